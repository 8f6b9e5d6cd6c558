"""What clients are shown in the app: which campaigns a person is in (CRM-015)."""
