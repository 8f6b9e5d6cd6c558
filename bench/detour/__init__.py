"""Mails through mail servers that are none of ours, while the first of two providers dies and comes back."""
