package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

func (c *Connection) glasses() readtrailv1connect.GlassServiceClient {
	return readtrailv1connect.NewGlassServiceClient(c.HTTP, c.Base)
}

// BreakGlass breaks the glass for what this connection asks: every request from then on carries it.
func (c *Connection) BreakGlass(ctx context.Context, reason string) error {
	res, err := c.glasses().BreakGlass(ctx, connect.NewRequest(&v1.BreakGlassRequest{Reason: reason}))
	if err != nil {
		return fmt.Errorf("break the glass: %w", glassFlags(err))
	}
	c.HTTP = &http.Client{Transport: underGlass{id: res.Msg.GlassId, next: c.HTTP.Transport}}
	fmt.Fprintf(c.aside(), "glass %s is broken; the reason is journaled and will be reviewed\n", res.Msg.GlassId)
	return nil
}

// glassFlags tells what is wrong by the flag that says it.
func glassFlags(err error) error {
	if failed := new(connect.Error); errors.As(err, &failed) && failed.Code() == connect.CodeInvalidArgument {
		return connect.NewError(failed.Code(), fmt.Errorf("--break-the-glass: %s", strings.TrimPrefix(failed.Message(), "reason: ")))
	}
	return err
}

// underGlass adds the broken glass to each request.
type underGlass struct {
	id   string
	next http.RoundTripper
}

func (g underGlass) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(proto.GlassHeader, g.id)
	return g.next.RoundTrip(r) //nolint:wrapcheck // a transport returns what it was given
}

// Glass is `readtrail glass`.
type Glass struct {
	List   GlassList   `cmd:"" default:"withargs" help:"Who broke the glass, and why: those that wait for a review."`
	Review GlassReview `cmd:"" help:"Say whether it was justified."`
}

// GlassList is `readtrail glass list`.
type GlassList struct {
	All   bool   `help:"Reviewed ones too."`
	Limit uint32 `help:"Rows to print, at most 1000 a page." default:"50"`
	Page  string `help:"Continue after an earlier page: its 'next page' token." placeholder:"TOKEN"`
	Output
}

// Run asks and prints.
func (q GlassList) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.glasses().ListBrokenGlass(ctx, connect.NewRequest(&v1.ListBrokenGlassRequest{
		Reviewed: q.All, Page: &v1.Page{Size: q.Limit, Token: q.Page},
	}))
	if err != nil {
		return inFlags(fmt.Errorf("ask for broken glasses: %w", err))
	}
	a := res.Msg
	switch q.format() {
	case "json":
		return writeJSON(w, a)
	case "csv":
		writeHeader(conn.aside(), a.Header)
		return glassTable(clockOf(a.Header).stamp, a.Rows).csv(w)
	}
	fmt.Fprintf(w, "Broken glasses\n\n")
	writeHeader(w, a.Header)
	fmt.Fprintf(w, "\n%s for a review.\n", count(a.Waiting, "waits", "wait"))
	if len(a.Rows) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	if err := glassTable(clockOf(a.Header).at, a.Rows).text(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nReview one: readtrail glass review ID --verdict justified|not-justified --note TEXT")
	if a.NextPageToken != "" {
		fmt.Fprintf(w, "More: --page %s\n", a.NextPageToken)
	}
	return nil
}

func glassTable(at func(int64) string, rows []*v1.BrokenGlassRow) *table {
	t := &table{columns: []string{"broken", "until", "by", "role", "otherwise limited to", "answers", "rows", "reason", "review", "reviewed by", "reviewed", "note", "glass"}}
	for _, r := range rows {
		t.add(at(r.AtUs), at(r.UntilUs), r.Asker, r.Role, words.Limits(r.Limits), fmt.Sprint(r.Answers), fmt.Sprint(r.Rows), r.Reason,
			words.GlassVerdict(r.Verdict), r.ReviewedBy, at(r.ReviewedUs), r.Note, r.GlassId)
	}
	return t
}

// GlassReview is `readtrail glass review`.
type GlassReview struct {
	Glass   string `arg:"" help:"The broken glass: its id."`
	Verdict string `required:"" help:"What it was: ${enum}." enum:"justified,not-justified"`
	Note    string `help:"Why; required when it was not justified."`
	JSON    bool   `help:"Write the answer as JSON."`
}

// Run journals the review.
func (q GlassReview) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := conn.glasses().ReviewBrokenGlass(ctx, connect.NewRequest(&v1.ReviewBrokenGlassRequest{
		GlassId: q.Glass, Verdict: v1.GlassVerdict(enumOf(v1.GlassVerdict_value, "GLASS_VERDICT_", q.Verdict)), Note: q.Note,
	}))
	if err != nil {
		return fmt.Errorf("review a broken glass: %w", err)
	}
	if q.JSON {
		return writeJSON(w, res.Msg)
	}
	fmt.Fprintf(w, "reviewed, at journal position %d\n", res.Msg.Position)
	return nil
}
