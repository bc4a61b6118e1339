"""Measurements: throughput beside nbgrader, and a soak."""
