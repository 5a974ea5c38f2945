"""The server of a language model: settings come in, a bounded text comes out; what is asked is each plane's own."""
