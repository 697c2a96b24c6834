"""HTTP, WebSocket and SSE: how requests come in and answers go out."""
