"""Problems ready to solve, one per file, to read and to copy. Installed as ``pacpinn.problems``."""
