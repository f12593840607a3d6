"""The columns of result tables: name, type, label and meaning, the same in every table that has them."""

from __future__ import annotations

from typing import NamedTuple

from cptsgeo.i18n import N_, _


class Column(NamedTuple):
    """Describe one column, the same in every table that has it.

    Attributes
    ----------
    kind
        ``text``, ``count`` (a whole number of 0 or more), ``rate`` (a fraction of 1), ``index`` (a number
        from 0 to 1 that is no part of a whole), ``measure`` (a decimal number
        of 0 or more), ``degree`` (of longitude or latitude), ``difference`` (a whole number of either sign), ``fraction`` (any share or change of share, of
        either sign, may pass 1), ``euros`` or ``flag``.
    label
        Heading that a reader sees, to be translated.
    meaning
        Definition, with its unit, to be translated.
    nullable
        Whether a value may be missing.
    """

    kind: str
    label: str
    meaning: str
    nullable: bool = False


COLUMNS = {
    "action": Column(
        "text",
        N_("Action"),
        N_("extend: a CPTS takes the units in; create: a new CPTS is made of them; none: they stay white"),
    ),
    "after": Column(
        "measure",
        N_("Afterwards"),
        N_("value of the measure once the hazard has shut what it reaches; missing where nothing is left"),
        nullable=True,
    ),
    "after_id": Column(
        "text",
        N_("Resource afterwards"),
        N_("identifier of the nearest open resource once the hazard has shut what it reaches"),
        nullable=True,
    ),
    "agrees": Column(
        "flag", N_("Agrees"), N_("the published percentage could be ours, rounded to its decimals"), nullable=True
    ),
    "ald_prevalence": Column(
        "rate", N_("Prevalence of ALD"), N_("share of inhabitants with a long-term illness (ALD)"), nullable=True
    ),
    "apl": Column(
        "measure",
        N_("APL"),
        N_("access to general practitioners, consultations a year and inhabitant (DREES)"),
        nullable=True,
    ),
    "area_covered_km2": Column(
        "measure", N_("Area covered (km²)"), N_("area of the units covered, in km²"), nullable=True
    ),
    "area_km2": Column(
        "measure", N_("Area (km²)"), N_("area of the units whose outline is known, in km²"), nullable=True
    ),
    "before": Column(
        "measure",
        N_("Before"),
        N_("value of the measure before the hazard; missing where there is none"),
        nullable=True,
    ),
    "before_id": Column(
        "text", N_("Resource before"), N_("identifier of the nearest open resource before the hazard"), nullable=True
    ),
    "border_km": Column("measure", N_("Shared border (km)"), N_("length of the border that the two share, in km")),
    "bound": Column("count", N_("Bound"), N_("population that parts two size classes, in inhabitants")),
    "bound_crossed": Column(
        "count",
        N_("Bound crossed"),
        N_("last bound of size that the CPTS passes, in inhabitants; missing when none"),
        nullable=True,
    ),
    "by": Column("text", N_("Groups"), N_("cpts, epci or white_zone: what the code is of")),
    "capacity": Column("count", N_("Capacity"), N_("how many, in the unit of the column unit"), nullable=True),
    "cause": Column("text", N_("Cause"), N_("before and after: the two states; else what moved the coverage")),
    "cause_label": Column("text", N_("Cause, in words"), N_("what moved the coverage, in words")),
    "change": Column("text", N_("Change"), N_("appeared, gone, or what changed: stage, perimeter")),
    "class_1": Column("euros", N_("Class 1"), N_("amount for size class 1, in euros a year"), nullable=True),
    "class_2": Column("euros", N_("Class 2"), N_("amount for size class 2, in euros a year"), nullable=True),
    "class_3": Column("euros", N_("Class 3"), N_("amount for size class 3, in euros a year"), nullable=True),
    "class_4": Column("euros", N_("Class 4"), N_("amount for size class 4, in euros a year"), nullable=True),
    "cluster_id": Column(
        "text", N_("Cluster"), N_("identifier of the cluster: département and code of its most populous unit")
    ),
    "cluster_name": Column("text", N_("Most populous unit"), N_("name of the most populous unit of the cluster")),
    "clusters": Column("text", N_("Clusters"), N_("identifiers of the clusters that the CPTS takes units of")),
    "code": Column("text", N_("Code"), N_("code of the group: scope, région, département, EPCI or unit")),
    "compactness": Column(
        "index",
        N_("Compactness"),
        N_("4 pi area / outline squared (Polsby and Popper): 1 for a circle; missing where an outline is not known"),
        nullable=True,
    ),
    "contract_year": Column(
        "count", N_("Contract year"), N_("year of the contract, from 1; the one after the last holds the last balances")
    ),
    "counting": Column(
        "text", N_("Counting"), N_("cumulative: at least the stage; exclusive: the most advanced stage of the unit")
    ),
    "coverage_rate": Column(
        "rate", N_("Coverage rate"), N_("population covered / population; missing where nobody lives"), nullable=True
    ),
    "cpts": Column("text", N_("CPTS"), N_("names of the CPTS of the unit")),
    "cpts_count": Column("count", N_("Number of CPTS"), N_("number of CPTS that the unit, or the class, has")),
    "cpts_held": Column("count", N_("CPTS held up"), N_("CPTS paid whose smoothed class is above the plain one")),
    "cpts_id": Column("text", N_("CPTS identifier"), N_("identifier of the CPTS; its name where the list gives none")),
    "cpts_name": Column("text", N_("CPTS"), N_("name of the CPTS, as it is spelt in the list")),
    "cpts_population": Column(
        "count", N_("CPTS population"), N_("inhabitants that the CPTS counts, over all its units")
    ),
    "cpts_projected": Column(
        "count", N_("CPTS, projected"), N_("number of CPTS to which the mean of today is carried")
    ),
    "cpts_stage_unknown": Column(
        "count", N_("CPTS of unknown stage"), N_("CPTS whose stage is not known: in no sum of euros")
    ),
    "created_count": Column("count", N_("CPTS created"), N_("number of new CPTS in the plan")),
    "crossings": Column(
        "text", N_("Crossings"), N_("editions of the populations that put the CPTS above (↑) or below (↓) the bound")
    ),
    "day": Column("text", N_("Day"), N_("day of the state or of the figure, ISO")),
    "day_after": Column("text", N_("To"), N_("day of the later state, ISO")),
    "day_before": Column("text", N_("From"), N_("day of the earlier state, ISO")),
    "definition": Column("text", N_("Definition"), N_("which CPTS count in the rate, in words")),
    "density_group": Column("text", N_("Density group"), N_("urbain_dense, urbain_intermediaire, rural or unknown")),
    "density_label": Column("text", N_("Density"), N_("label of the INSEE density level")),
    "density_level": Column("count", N_("Density level"), N_("INSEE density level, 1 to 7"), nullable=True),
    "departement_code": Column("text", N_("Département code"), N_("code of the département"), nullable=True),
    "departement_count": Column("count", N_("Départements"), N_("number of départements that the cluster touches")),
    "departement_name": Column("text", N_("Département"), N_("name of the département"), nullable=True),
    "distance": Column("difference", N_("Distance to the bound"), N_("population less the bound, in inhabitants")),
    "distance_km": Column(
        "measure",
        N_("Distance (km)"),
        N_("distance from edge to edge, in km; 0 where the two share a border"),
        nullable=True,
    ),
    "distance_rate": Column("fraction", N_("Distance to the bound (%)"), N_("distance, as a part of the bound")),
    "dominant_cpts_id": Column(
        "text", N_("Dominant CPTS identifier"), N_("CPTS of most of the inhabitants of the territory"), nullable=True
    ),
    "dominant_cpts_name": Column(
        "text", N_("Dominant CPTS"), N_("name of the CPTS of most of the inhabitants of the territory"), nullable=True
    ),
    "dominant_id": Column(
        "text",
        N_("Dominant territory identifier"),
        N_("territory of most of the inhabitants of the CPTS"),
        nullable=True,
    ),
    "dominant_name": Column(
        "text",
        N_("Dominant territory"),
        N_("name of the territory of most of the inhabitants of the CPTS"),
        nullable=True,
    ),
    "dominant_share": Column(
        "rate",
        N_("Dominant share"),
        N_("part of the inhabitants in the dominant territory, or of the dominant CPTS"),
        nullable=True,
    ),
    "double_count": Column(
        "count",
        N_("Counted more than once"),
        N_("inhabitants counted in several CPTS: sum of the CPTS populations less the population covered"),
    ),
    "effective_cpts": Column(
        "measure", N_("Effective number of CPTS"), N_("1 / sum of squared shares of its CPTS"), nullable=True
    ),
    "effective_territories": Column(
        "measure",
        N_("Effective number of territories"),
        N_("1 / sum of squared shares of its territories: 1 where one holds all, 2 where two hold half each"),
        nullable=True,
    ),
    "email": Column("text", N_("E-mail"), N_("e-mail address that may be shown"), nullable=True),
    "epci_count": Column("count", N_("EPCI touched"), N_("number of EPCI that the cluster touches")),
    "epci_cut": Column("count", N_("EPCI cut"), N_("EPCI concerned that are then not wholly in one CPTS")),
    "epci_name": Column("text", N_("EPCI"), N_("name of the EPCI"), nullable=True),
    "epci_siren": Column(
        "text", N_("EPCI code"), N_("SIREN of the EPCI; four island communes have none"), nullable=True
    ),
    "epci_whole": Column("count", N_("EPCI whole"), N_("EPCI concerned that are then wholly in the CPTS")),
    "euros": Column("euros", N_("Euros"), N_("euros a year, or of the payment")),
    "euros_due": Column("euros", N_("Euros due"), N_("euros that the contract year gives a right to")),
    "euros_over_years": Column("euros", N_("Euros over the years"), N_("euros a year x years")),
    "euros_paid": Column("euros", N_("Euros paid"), N_("euros paid during the contract year")),
    "euros_per_cpts": Column("euros", N_("Euros per CPTS"), N_("mean of a year, by CPTS paid"), nullable=True),
    "euros_per_inhabitant": Column(
        "euros", N_("Euros per inhabitant"), N_("euros a year / population, covered or not"), nullable=True
    ),
    "euros_per_need": Column(
        "euros", N_("Euros per need"), N_("euros a year per need-weighted inhabitant newly covered"), nullable=True
    ),
    "euros_projected": Column("euros", N_("Euros, projected"), N_("euros per CPTS x CPTS projected"), nullable=True),
    "euros_projected_over_years": Column(
        "euros", N_("Euros over the years, projected"), N_("euros projected x years"), nullable=True
    ),
    "extended_count": Column("count", N_("CPTS extended"), N_("number of CPTS that the plan extends")),
    "farthest_km": Column(
        "measure",
        N_("Farthest unit (km)"),
        N_("from the centre of the CPTS to the farthest unit that joins it, in a straight line, in km"),
        nullable=True,
    ),
    "figure": Column("count", N_("Figure"), N_("rank of the published figure in its file, from 1")),
    "fixed": Column(
        "euros",
        N_("Fixed"),
        N_("functioning, fixed parts and yearly update of the crisis plan, in euros a year"),
        nullable=True,
    ),
    "fixed_at_stake": Column(
        "euros",
        N_("Fixed, at stake"),
        N_("difference of the fixed level between the two classes, in euros a year"),
        nullable=True,
    ),
    "fixed_change": Column(
        "euros", N_("Change, fixed parts"), N_("change of functioning and fixed parts, in euros a year")
    ),
    "fixed_effect": Column(
        "euros",
        N_("Fixed, effect"),
        N_("fixed level of the smoothed class less that of the plain one, in euros a year"),
        nullable=True,
    ),
    "fixed_over_years": Column(
        "euros", N_("Fixed, over the years"), N_("fixed level x years, in euros"), nullable=True
    ),
    "fixed_per_covered": Column(
        "euros",
        N_("Per inhabitant, fixed parts"),
        N_("change of functioning and fixed parts, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "fixed_per_inhabitant": Column(
        "euros", N_("Fixed, per inhabitant"), N_("fixed level / population, in euros a year"), nullable=True
    ),
    "functioning": Column("euros", N_("Functioning"), N_("functioning alone, in euros a year"), nullable=True),
    "functioning_change": Column(
        "euros", N_("Change, functioning"), N_("change of the functioning budget, in euros a year")
    ),
    "functioning_effect": Column(
        "euros",
        N_("Functioning, effect"),
        N_("functioning of the smoothed class less that of the plain one, in euros a year"),
        nullable=True,
    ),
    "functioning_over_years": Column(
        "euros", N_("Functioning, over the years"), N_("functioning x years, in euros"), nullable=True
    ),
    "functioning_per_covered": Column(
        "euros",
        N_("Per inhabitant, functioning"),
        N_("change of the functioning budget, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "functioning_per_inhabitant": Column(
        "euros", N_("Functioning, per inhabitant"), N_("functioning / population, in euros a year"), nullable=True
    ),
    "gap": Column("fraction", N_("Gap"), N_("our rate less the published one"), nullable=True),
    "headcount": Column("text", N_("Headcount"), N_("union: each inhabitant once; sum: sum of the CPTS populations")),
    "insee_code": Column("text", N_("INSEE code"), N_("code of the commune, or of the arrondissement municipal")),
    "inter_cpts": Column(
        "text",
        N_("CPTS mostly in it"),
        N_("names of the CPTS with more than half of their inhabitants in the territory"),
    ),
    "inter_cpts_count": Column(
        "count",
        N_("CPTS mostly in it (number)"),
        N_("number of CPTS with more than half of their inhabitants in the territory"),
    ),
    "inter_cpts_jaccard": Column(
        "rate",
        N_("Coincidence of these CPTS"),
        N_("inhabitants common to the territory and to these CPTS together / inhabitants of either"),
        nullable=True,
    ),
    "inter_cpts_share": Column(
        "rate",
        N_("Part that they cover"),
        N_("part of the inhabitants of the territory in the CPTS that are mostly in it"),
        nullable=True,
    ),
    "jaccard": Column(
        "rate", N_("Coincidence"), N_("common inhabitants / inhabitants of either (Jaccard index)"), nullable=True
    ),
    "key": Column("text", N_("Key"), N_("key of the density group or level, or of the part of the cluster")),
    "kind": Column("text", N_("Kind"), N_("kind of resource: a key of parameters/resource_kinds.toml")),
    "label": Column("text", N_("Class"), N_("density group or level, or part of the cluster, in words")),
    "latitude": Column("degree", N_("Latitude"), N_("degrees north, WGS 84")),
    "layer": Column("text", N_("Layer"), N_("kind of territory: ght, contrat_local, epci, departement…")),
    "level": Column("text", N_("Level key"), N_("functioning, fixed or maximum")),
    "level_label": Column("text", N_("Level"), N_("budget level, in words")),
    "limit": Column("measure", N_("Limit"), N_("in km or minutes, as the measure says: past it a unit is far")),
    "longitude": Column("degree", N_("Longitude"), N_("degrees east, WGS 84")),
    "loses_access": Column(
        "flag",
        N_("Loses access"),
        N_("within the limit before the hazard, and beyond it or without any resource after"),
        nullable=True,
    ),
    "maximum": Column(
        "euros", N_("Maximum"), N_("every part, first crisis plan and a grave crisis, in euros a year"), nullable=True
    ),
    "maximum_at_stake": Column(
        "euros",
        N_("Maximum, at stake"),
        N_("difference of the maximum between the two classes, in euros a year"),
        nullable=True,
    ),
    "maximum_change": Column(
        "euros", N_("Change, maximum"), N_("change of the greatest possible budget, in euros a year")
    ),
    "maximum_effect": Column(
        "euros",
        N_("Maximum, effect"),
        N_("maximum of the smoothed class less that of the plain one, in euros a year"),
        nullable=True,
    ),
    "maximum_over_years": Column(
        "euros", N_("Maximum, over the years"), N_("maximum x years, in euros"), nullable=True
    ),
    "maximum_per_covered": Column(
        "euros",
        N_("Per inhabitant, maximum"),
        N_("change of the greatest possible budget, in euros a year per inhabitant newly covered"),
        nullable=True,
    ),
    "maximum_per_inhabitant": Column(
        "euros", N_("Maximum, per inhabitant"), N_("maximum / population, in euros a year"), nullable=True
    ),
    "maximum_stage_unknown": Column(
        "euros",
        N_("Maximum of unknown stage"),
        N_("what CPTS of unknown stage would add to the maximum, in euros a year"),
        nullable=True,
    ),
    "mean": Column(
        "measure",
        N_("Mean"),
        N_("mean of the measure weighted by the population whose distance is known"),
        nullable=True,
    ),
    "measure": Column(
        "text", N_("Measure"), N_("straight_km: straight line in km; road_min: minutes by car on the road graph")
    ),
    "method": Column(
        "text",
        N_("Method"),
        N_(
            "how the units are known: list, epci, departement, nearest_site, nearest_support, iris, polygon (whole), grid (by population grid), area (by area)"
        ),
    ),
    "mission": Column("text", N_("Mission key"), N_("mission of the ACI; none for a level"), nullable=True),
    "mission_label": Column("text", N_("Mission"), N_("mission of the ACI, or level, in words")),
    "mobile": Column(
        "text", N_("Mobile"), N_("mobile number, for the crisis cell only; never in a public kit"), nullable=True
    ),
    "months_after_signature": Column(
        "count", N_("Months after signature"), N_("whole months from the signature to the payment")
    ),
    "name": Column("text", N_("Name"), N_("name of the unit or of the group")),
    "natural_inter_cpts": Column(
        "flag",
        N_("Natural inter-CPTS"),
        N_("at least two CPTS mostly in the territory, which together coincide with it at 0.8 or more"),
    ),
    "near": Column("flag", N_("Near"), N_("the population is within the margin of the bound")),
    "nearest": Column(
        "flag", N_("Nearest"), N_("definition whose rate is nearest to the published one"), nullable=True
    ),
    "need": Column(
        "index", N_("Need"), N_("need score from 0 to 1; missing when no component is known"), nullable=True
    ),
    "need_ald_prevalence": Column(
        "index", N_("Need: ALD"), N_("score of the prevalence of ALD, 0 to 1"), nullable=True
    ),
    "need_apl": Column("index", N_("Need: APL"), N_("score of the APL, 0 to 1"), nullable=True),
    "need_missing": Column(
        "text", N_("Missing components"), N_("components of need that are not known, and in no score")
    ),
    "need_qpv_count": Column(
        "index", N_("Need: number of QPV"), N_("score of the number of QPV, 0 to 1"), nullable=True
    ),
    "need_qpv_population": Column(
        "index", N_("Need: QPV"), N_("score of the share of inhabitants in QPV, 0 to 1"), nullable=True
    ),
    "need_share_75": Column("index", N_("Need: age"), N_("score of the share aged 75 and over, 0 to 1"), nullable=True),
    "need_weight_known": Column(
        "rate", N_("Weight known"), N_("sum of the weights of the components of need that are known")
    ),
    "need_weighted": Column(
        "measure", N_("Need-weighted inhabitants"), N_("sum of inhabitants newly covered x need score"), nullable=True
    ),
    "need_zoning": Column("index", N_("Need: zoning"), N_("score of the ARS zoning, 0 to 1"), nullable=True),
    "neighbour_count": Column("count", N_("Neighbouring CPTS"), N_("number of CPTS that touch the cluster")),
    "objective": Column(
        "text", N_("Objective"), N_("what the plan makes least: euros, need (euros per need) or epci (EPCI cut)")
    ),
    "objective_bound": Column(
        "euros", N_("Best possible"), N_("value below which no plan can go; equal to the value when proven")
    ),
    "objective_gap": Column("rate", N_("Gap"), N_("(value - bound) / value: 0 when the optimum is proven")),
    "objective_value": Column(
        "euros", N_("Value of the objective"), N_("value that the plan reaches, in the unit of its objective")
    ),
    "opening": Column("text", N_("Opening hours"), N_("when it is open, in words"), nullable=True),
    "other_id": Column("text", N_("Other CPTS identifier"), N_("identifier of the other CPTS of the pair")),
    "other_name": Column("text", N_("Other CPTS"), N_("name of the other CPTS of the pair")),
    "our_rate": Column(
        "fraction", N_("Our rate"), N_("rate under the definition; a sum of CPTS populations may pass 1"), nullable=True
    ),
    "paid": Column(
        "flag",
        N_("Paid"),
        N_("whether the stage of the CPTS makes it paid; missing when it is not known"),
        nullable=True,
    ),
    "paid_on": Column(
        "text", N_("Paid on"), N_("day of the payment, ISO; missing without a day of signature"), nullable=True
    ),
    "part": Column(
        "text",
        N_("Part"),
        N_(
            "functioning, fixed, variable, first_plan, plan_update, grave_crisis, or a level (maximum_without_unscheduled_care in 2019)"
        ),
    ),
    "payment": Column("text", N_("Payment"), N_("whole, advance or balance")),
    "per_10000": Column(
        "measure",
        N_("For 10,000 inhabitants"),
        N_("resources for 10,000 inhabitants; missing where nobody lives"),
        nullable=True,
    ),
    "phone": Column("text", N_("Telephone"), N_("landline or short number, in pairs of figures"), nullable=True),
    "place": Column("text", N_("Place"), N_("territory of the figure: france, or a kind and its codes")),
    "place_name": Column("text", N_("Place, in words"), N_("name of the territory of the figure")),
    "population": Column("count", N_("Population"), N_("population municipale, in inhabitants")),
    "population_added": Column("count", N_("Newly covered"), N_("inhabitants whom no CPTS covered before")),
    "population_after": Column(
        "count", N_("Population after"), N_("population of the CPTS with the units that join it")
    ),
    "population_at_stake": Column(
        "count", N_("Population at stake"), N_("difference between the counts by grid and by area"), nullable=True
    ),
    "population_before": Column("count", N_("Population before"), N_("population of the CPTS before; 0 for a new one")),
    "population_beyond": Column(
        "count", N_("Population beyond"), N_("inhabitants of the units farther than the limit")
    ),
    "population_by_area": Column(
        "count", N_("Population by area"), N_("inhabitants of the piece if they lived evenly in the unit")
    ),
    "population_by_grid": Column(
        "count", N_("Population by grid"), N_("inhabitants of the piece by the population grid"), nullable=True
    ),
    "population_change": Column(
        "difference",
        N_("Change of population covered"),
        N_("inhabitants covered, after less before; for a cause, what it moved"),
        nullable=True,
    ),
    "population_counted": Column(
        "count", N_("Population counted"), N_("sum of what its CPTS each count in the unit, in inhabitants")
    ),
    "population_covered": Column(
        "count", N_("Population covered"), N_("inhabitants of units in at least one CPTS that counts, each once")
    ),
    "population_in_cpts": Column(
        "count", N_("Population in the CPTS"), N_("inhabitants of the unit whom the CPTS counts: population x share")
    ),
    "population_in_polygon": Column(
        "count", N_("Population that counts"), N_("inhabitants of the piece that the perimeter counts")
    ),
    "population_method": Column(
        "text",
        N_("Method"),
        N_(
            "grid: the count of the grid itself; census: communes divided by the grid; census, area: some of them by area"
        ),
    ),
    "population_need_known": Column(
        "count", N_("Population with a score"), N_("white inhabitants whose need score is known")
    ),
    "population_stage_unknown": Column(
        "count",
        N_("Population at unknown stage"),
        N_("inhabitants whom CPTS of unknown stage would add; the rate is a lower bound where it is not 0"),
    ),
    "population_commune_only": Column(
        "count",
        N_("Population, resource known to its commune only"),
        N_(
            "inhabitants whose nearest resource is known to its commune only: their distance is that to a point of the commune"
        ),
    ),
    "population_unknown": Column(
        "count",
        N_("Population, distance unknown"),
        N_("inhabitants of the units without a known distance: no resource, or no point"),
    ),
    "population_white": Column("count", N_("White-zone population"), N_("inhabitants whom no CPTS that counts covers")),
    "population_within": Column("count", N_("Population within"), N_("inhabitants within the limit or the radius")),
    "population_year": Column("count", N_("Census year"), N_("census year of the population"), nullable=True),
    "position_precision": Column(
        "text", N_("Place known"), N_("exact, street, or commune when only the commune is known")
    ),
    "published_rate": Column("rate", N_("Published rate"), N_("rate of the source, a fraction of 1")),
    "qpv_count": Column(
        "count", N_("Number of QPV"), N_("number of priority neighbourhoods (QPV) of the unit"), nullable=True
    ),
    "qpv_population": Column(
        "count",
        N_("Population in QPV"),
        N_("inhabitants of the priority neighbourhoods (QPV) of the unit"),
        nullable=True,
    ),
    "radius_km": Column("measure", N_("Radius (km)"), N_("radius around each open resource, in km")),
    "rate_change": Column(
        "fraction",
        N_("Change of rate"),
        N_("coverage rate, after less before; for a cause, what it moved"),
        nullable=True,
    ),
    "reading": Column("text", N_("Reading"), N_("how the CPTS and the layer stand, in words")),
    "reading_key": Column(
        "text", N_("Reading (key)"), N_("coincides, within, shared, partly_outside, outside or empty")
    ),
    "reason": Column("text", N_("Reason"), N_("unit_absent, code_ambiguous or code_unknown")),
    "region_code": Column("text", N_("Région code"), N_("code of the région; all for the whole"), nullable=True),
    "region_count": Column("count", N_("Régions"), N_("number of régions that the cluster touches")),
    "region_name": Column("text", N_("Région"), N_("name of the région"), nullable=True),
    "relation": Column(
        "text",
        N_("Relation"),
        N_(
            "border: common border; bridge: across a gap; shared_unit: the CPTS covers a unit in part; nearest: none touches"
        ),
    ),
    "resource_id": Column(
        "text", N_("Resource identifier"), N_("identifier of the resource, the same from one kit to the next")
    ),
    "resources": Column("count", N_("Resources"), N_("number of resources, whatever their status")),
    "seed": Column("count", N_("Seed"), N_("seed of the draw between equal plans")),
    "share": Column("rate", N_("Share"), N_("part of the unit that is in the CPTS")),
    "share_75": Column("rate", N_("Aged 75 and over"), N_("share of inhabitants aged 75 and over"), nullable=True),
    "share_by_area": Column("rate", N_("Share by area"), N_("part of the area of the unit")),
    "share_by_grid": Column(
        "rate", N_("Share by grid"), N_("part of the inhabitants that the grid has in the unit"), nullable=True
    ),
    "share_divided": Column(
        "rate",
        N_("Share (divided)"),
        N_("part of the inhabitants of the CPTS, those in several territories divided between them: they sum to 1"),
        nullable=True,
    ),
    "share_of_area": Column("rate", N_("Share of the area"), N_("part of the area of the CPTS"), nullable=True),
    "share_of_cluster": Column(
        "rate", N_("Share of the cluster"), N_("part of the white population of the cluster"), nullable=True
    ),
    "share_of_cpts": Column("rate", N_("Share of the CPTS"), N_("part of the inhabitants of the CPTS"), nullable=True),
    "share_of_group": Column(
        "rate",
        N_("Share of the territory"),
        N_("part of the whole population of the région, département or EPCI that lies in the cluster"),
        nullable=True,
    ),
    "share_of_territory": Column(
        "rate", N_("Share of the territory"), N_("part of the inhabitants of the territory"), nullable=True
    ),
    "share_of_white": Column(
        "rate", N_("Share of white zones"), N_("part of the white-zone population of the scope"), nullable=True
    ),
    "share_outside": Column(
        "rate",
        N_("Share outside"),
        N_("part of the inhabitants of the CPTS in no territory of the layer"),
        nullable=True,
    ),
    "share_white": Column(
        "rate", N_("Share in no CPTS"), N_("part of the inhabitants of the territory in no CPTS"), nullable=True
    ),
    "size_class": Column("count", N_("Size class"), N_("ACI size class, 1 to 4"), nullable=True),
    "size_class_after": Column("count", N_("Class after"), N_("ACI size class with the units that join, 1 to 4")),
    "size_class_before": Column(
        "count", N_("Class before"), N_("ACI size class before, 1 to 4; missing for a new CPTS"), nullable=True
    ),
    "size_class_smoothed": Column(
        "count", N_("Smoothed size class"), N_("ACI size class after smoothing, 1 to 4"), nullable=True
    ),
    "source": Column("text", N_("Source"), N_("where the figure was published")),
    "split": Column(
        "text",
        N_("Split"),
        N_(
            "how it is split: by density (group, level) or territory; or which part of a cluster: cluster, epci, unit, chosen"
        ),
    ),
    "stage": Column("text", N_("Stage"), N_("stage of the CPTS, or any, unknown, white_zone"), nullable=True),
    "stage_after": Column("text", N_("Stage after"), N_("stage in the later state"), nullable=True),
    "stage_before": Column("text", N_("Stage before"), N_("stage in the earlier state"), nullable=True),
    "status": Column("text", N_("Status"), N_("ouvert, degrade, ferme or inconnu")),
    "status_at": Column("text", N_("Status at"), N_("local time of the status, ISO 8601"), nullable=True),
    "status_source": Column("text", N_("Status from"), N_("who gave the status"), nullable=True),
    "territories": Column("count", N_("Territories"), N_("number of territories with inhabitants of the CPTS")),
    "territory": Column("text", N_("Territory"), N_("whole, or without_mayotte")),
    "territory_id": Column(
        "text", N_("Territory identifier"), N_("identifier of the territory; outside for what is in none")
    ),
    "territory_name": Column("text", N_("Territory"), N_("name of the territory")),
    "to_lower_bound": Column(
        "count", N_("Margin down"), N_("inhabitants that the CPTS can lose without changing class"), nullable=True
    ),
    "to_upper_bound": Column(
        "count", N_("Margin up"), N_("inhabitants that the CPTS can win without changing class"), nullable=True
    ),
    "unit": Column(
        "text", N_("Unit of capacity"), N_("what the capacity counts, such as lits or places"), nullable=True
    ),
    "units": Column("count", N_("Units"), N_("number of communes and arrondissements municipaux")),
    "units_added": Column("count", N_("Units added"), N_("units that joined the CPTS")),
    "units_covered": Column("count", N_("Units covered"), N_("units in at least one CPTS that counts")),
    "units_missing": Column(
        "count", N_("Units missing"), N_("units of the CPTS that the edition of the populations lacks")
    ),
    "units_outside_scope": Column(
        "count", N_("Units outside the scope"), N_("units of the group that the scope leaves out of the rate")
    ),
    "units_removed": Column("count", N_("Units removed"), N_("units that left the CPTS")),
    "units_reshared": Column("count", N_("Units reshared"), N_("units whose share in the CPTS changed")),
    "units_white": Column("count", N_("White units"), N_("units in no CPTS that counts")),
    "units_without_area": Column("count", N_("Units without outline"), N_("units whose area is not known")),
    "updated_at": Column("text", N_("Updated"), N_("day of the last update of the row, ISO 8601"), nullable=True),
    "value": Column(
        "measure",
        N_("Value"),
        N_("km or minutes to the nearest open resource, as the measure says; missing where there is none"),
        nullable=True,
    ),
    "visibility": Column("text", N_("Visibility"), N_("public, or cellule_de_crise")),
    "white_rate": Column(
        "rate", N_("White rate"), N_("white-zone population / population of the class"), nullable=True
    ),
    "white_share": Column("rate", N_("White share"), N_("part of the unit that no CPTS covers")),
    "why_white": Column(
        "text", N_("Why it stays white"), N_("why the plan leaves the unit white; empty when it does not")
    ),
    "wording": Column("text", N_("Wording"), N_("what the source says it counts")),
    "years": Column("count", N_("Years"), N_("years over which euros are summed")),
    "zone": Column(
        "text",
        N_("Hazard zone"),
        N_("names of the zones of the hazard; all: inhabitants of any zone, each counted once"),
    ),
    "zones_cut": Column(
        "count",
        N_("Zones cut"),
        N_("EPCI, or zones of --prefer, that the plan leaves in several CPTS or partly in none"),
    ),
    "zoning": Column(
        "text", N_("ARS zoning"), N_("zoning of general practitioners: ZIP, ZAC, ZAR or HZ"), nullable=True
    ),
}


def label(column: str) -> str:
    """Return the heading of a column in the reader's language."""
    return _(COLUMNS[column].label) if column in COLUMNS else column
