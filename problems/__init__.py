"""Problems ready to solve, one a file, meant to be read and copied. Installed as ``pacpinn.problems``."""
