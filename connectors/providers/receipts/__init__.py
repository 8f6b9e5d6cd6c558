"""Webhooks of providers: one module for each vendor that proves and words its reports in a way of its own."""
