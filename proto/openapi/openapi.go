// Package openapi holds the OpenAPI description of the services, as `go tool task generate` writes it, and serves it.
package openapi

import (
	_ "embed" // the description
	"net/http"
)

// Path is where the description is served, to everybody who reaches the listener: it says what can be asked, and nothing of anybody.
const Path = "/openapi.json"

//go:embed openapi.json
var description []byte

// Handler serves the description.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "the description can be read only", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(description) // the caller may be gone
	})
}
