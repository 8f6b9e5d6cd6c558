"""How soon a change holds for mails that wait already."""
