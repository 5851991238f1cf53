package console

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// brokenGlass is the glass that a session broke: its questions carry it until it is whole again.
type brokenGlass struct {
	id    string
	until time.Time
}

// glass is the session's broken glass; the zero one when there is none.
func (s *session) glass(now time.Time) brokenGlass {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.broken.until) {
		s.broken = brokenGlass{}
	}
	return s.broken
}

func (s *session) breakGlass(g brokenGlass) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = g
}

// mayAsk reports whether the session may see who people are, by its role or because it broke the glass.
func (v *visit) mayAsk() bool { return v.elevated().MayAsk() }

// elevated is the session's caller as pages take them. The API is told of the glass, not of this.
func (v *visit) elevated() proto.Caller {
	caller := v.session.caller
	caller.Elevated = v.session.glass(v.now).id != ""
	return caller
}

// mayReview is the roles that may look at broken glasses.
func mayReview(c proto.Caller) bool { return c.MayReview() }

// glassPage breaks the glass, and shows reviewers who did.
type glassPage struct {
	// Open is until when the session's glass is broken.
	Open          *moment
	Reason, Fault string
	// MayReview shows the list; All has the reviewed ones too.
	MayReview, All bool
	Waiting        uint64
	Rows           []glassRow
	Next           string
	Basis          *basis
	// Refused says why there is no list.
	Refused string
}

type glassRow struct {
	ID, Asker, Role, Reason, Limits, Verdict, ReviewedBy, Note string
	At, Until, Reviewed                                        *moment
	Answers, Rows                                              uint64
	// Waits says that nobody has reviewed it, Mine that the asker must not.
	Waits, Mine bool
}

func (c *Console) serveGlass(v *visit) error {
	return c.glassPage(v, http.StatusOK, glassPage{})
}

func (c *Console) glassPage(v *visit, status int, page glassPage) error {
	at := clock{zone: c.cfg.TimeZone}
	if g := v.session.glass(v.now); g.id != "" {
		page.Open = at.at(g.until.UnixMicro())
	}
	page.MayReview, page.All = mayReview(v.session.caller), v.r.URL.Query().Get("all") == "1"
	if page.MayReview {
		res, err := c.cfg.Glasses.ListBrokenGlass(v.r.Context(), connect.NewRequest(&v1.ListBrokenGlassRequest{
			Reviewed: page.All, Page: &v1.Page{Size: 50, Token: v.r.URL.Query().Get("page")},
		}))
		if said, ok := errors.AsType[*connect.Error](err); ok && said.Code() == connect.CodePermissionDenied {
			page.Refused = sentence(said.Message())
			return v.render(status, "glass", page)
		}
		if err != nil {
			return err //nolint:wrapcheck // for people as it is
		}
		at = c.clockOf(res.Msg.Header)
		page.Waiting, page.Basis = res.Msg.Waiting, c.basisOf(res.Msg.Header)
		if res.Msg.NextPageToken != "" {
			page.Next = "/glass?page=" + res.Msg.NextPageToken
			if page.All {
				page.Next += "&all=1"
			}
		}
		for _, r := range res.Msg.Rows {
			page.Rows = append(page.Rows, glassRow{
				ID: r.GlassId, Asker: r.Asker, Role: words.Code(r.Role), Reason: r.Reason, Limits: words.Limits(r.Limits), Verdict: words.GlassVerdict(r.Verdict),
				ReviewedBy: r.ReviewedBy, Note: r.Note, At: at.at(r.AtUs), Until: at.at(r.UntilUs), Reviewed: at.at(r.ReviewedUs), Answers: r.Answers,
				Rows: r.Rows, Waits: r.Verdict == 0, Mine: r.Asker == v.session.caller.Name,
			})
		}
	}
	return v.render(status, "glass", page)
}

// breakGlass breaks the glass for the session.
func (c *Console) breakGlass(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	reason := strings.TrimSpace(v.r.PostForm.Get("reason"))
	res, err := c.cfg.Glasses.BreakGlass(v.r.Context(), connect.NewRequest(&v1.BreakGlassRequest{Reason: reason}))
	if said, ok := errors.AsType[*connect.Error](err); ok && (said.Code() == connect.CodeInvalidArgument || said.Code() == connect.CodeFailedPrecondition) {
		return c.glassPage(v, http.StatusUnprocessableEntity, glassPage{Reason: reason, Fault: sentence(strings.TrimPrefix(said.Message(), "reason: "))})
	}
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	v.session.breakGlass(brokenGlass{id: res.Msg.GlassId, until: time.UnixMicro(res.Msg.UntilUs)})
	v.redirect("/glass")
	return nil
}

// endGlass asks no more under the glass; it stays to be reviewed.
func (c *Console) endGlass(v *visit) error {
	v.session.breakGlass(brokenGlass{})
	v.redirect("/glass")
	return nil
}

// reviewGlass journals what a reviewer says.
func (c *Console) reviewGlass(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	verdict := map[string]v1.GlassVerdict{"justified": v1.GlassVerdict_GLASS_VERDICT_JUSTIFIED, "not": v1.GlassVerdict_GLASS_VERDICT_NOT_JUSTIFIED}[v.r.PostForm.Get("verdict")]
	_, err := c.cfg.Glasses.ReviewBrokenGlass(v.r.Context(), connect.NewRequest(&v1.ReviewBrokenGlassRequest{
		GlassId: v.r.PostForm.Get("glass"), Verdict: verdict, Note: strings.TrimSpace(v.r.PostForm.Get("note")),
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	v.redirect("/glass")
	return nil
}
