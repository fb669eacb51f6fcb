"""The pages of the audit trail, its export, its verification, and its copy outside the console."""
