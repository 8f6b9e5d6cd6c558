"""Who may come in, beside HTTP: API keys as they are made, known and kept, and what the audit log shows."""
