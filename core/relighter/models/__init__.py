"""Downloaded weights: their ledger, their folder, the checks of their files, and their licences."""
