"""Changes of contracts that exist: words, owner and policies by request; columns by decisions about drift."""
