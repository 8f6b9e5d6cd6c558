"""Two workers under a steady feed, killed, stopped and frozen at random; then every id is counted."""
