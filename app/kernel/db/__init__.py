"""The database: sessions and the one commit, pools, models, migrations, logins."""
