"""What a log-in leaves behind: sessions, their cookies and refresh tokens."""
