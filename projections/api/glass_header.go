package api

import (
	"net/http"

	"github.com/readtrail/readtrail/proto"
)

// UnderGlass puts the broken glass that a request carries in its header into the context of its questions.
func UnderGlass(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := r.Header.Get(proto.GlassHeader); id != "" {
			r = r.WithContext(proto.WithGlass(r.Context(), id))
		}
		next.ServeHTTP(w, r)
	})
}
