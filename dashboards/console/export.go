package console

import (
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// exportWrite ends an export whose browser takes nothing for so long.
const exportWrite = time.Minute

// exportForms are the files that a scope can be kept as.
var exportForms = map[string]struct {
	format         v1.ExportScopeRequest_Format
	mediaType, ext string
}{
	"csv":    {v1.ExportScopeRequest_FORMAT_CSV, "text/csv; charset=utf-8", ".csv"},
	"ndjson": {v1.ExportScopeRequest_FORMAT_NDJSON, "application/x-ndjson", ".ndjson"},
	"fhir":   {v1.ExportScopeRequest_FORMAT_FHIR, "application/fhir+json", ".json"},
}

// serveExport streams every report of a scope as a file, as of the position that the page showed. A file that broke off must not look
// whole: the connection is cut, and browsers say that the download failed.
func (c *Console) serveExport(v *visit) error {
	x, done, err := v.opened(pageScope)
	if done || err != nil {
		return err
	}
	form, ok := exportForms[v.r.PathValue("form")]
	if !ok {
		return refusal{http.StatusNotFound, "There is no such form", "A scope is exported as CSV, JSON lines or a FHIR Bundle."}
	}
	m := &v1.ExportScopeRequest{Query: scopeQuery(x.ask), Format: form.format, Purpose: x.purpose.text, TimeZone: x.ask.Zone}
	if m.AsOfPosition, err = strconv.ParseUint(v.r.URL.Query().Get("position"), 10, 64); err != nil {
		return refusal{http.StatusUnprocessableEntity, "The address named no position", "Ask for the scope again and export it there."}
	}
	to, begun, whole := http.NewResponseController(v.w), false, false
	err = c.cfg.Export(v.r.Context(), m, func(part *v1.ExportScopeResponse) error {
		if len(part.Candidates) > 0 {
			return refusal{http.StatusConflict, "This value names more than one reader", "Open the scope and choose the one you mean."}
		}
		if !begun {
			begun = true
			h := v.w.Header()
			h.Set("Content-Type", form.mediaType)
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{
				"filename": "scope-" + strconv.FormatUint(part.GetHeader().GetPosition(), 10) + form.ext,
			}))
		}
		whole = whole || part.Done
		if err := to.SetWriteDeadline(time.Now().Add(exportWrite)); err != nil {
			return err //nolint:wrapcheck // logged below
		}
		_, err := v.w.Write(part.Data)
		return err //nolint:wrapcheck // logged below
	})
	defer func() { _ = to.SetWriteDeadline(time.Time{}) }()
	if err == nil && !whole {
		err = errors.New("export: it broke off before its end")
	}
	if err != nil && begun {
		c.log.WarnContext(v.r.Context(), "export broke off", slog.Any("err", err))
		panic(http.ErrAbortHandler)
	}
	return err
}
