"""Free text: its tokens, the templates of what it says, the words beside which values stand, and their patterns."""
