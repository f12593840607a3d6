"""Run the program as ``python -m cptsgeo``, where the folder of scripts is not on the path."""

from cptsgeo.cli import main

if __name__ == "__main__":
    main()
