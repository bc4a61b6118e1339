"""The instructor's side: release assignments, prove their tests, grade what comes back, report."""
