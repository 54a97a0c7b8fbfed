"""Reports as HTML files without outside references: elements, charts, pictures, and the sections of a run's report."""
