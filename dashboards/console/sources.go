package console

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// sourcesPage lists who sends, and what is known of their completeness.
type sourcesPage struct {
	Basis   *basis
	Sources []sourceRow
}

type sourceRow struct {
	Name, Owner, Systems, Zone, Policy string
	Events, DeadLetters                uint64
	First, Last, Received              *moment
	Gaps                               []gapLine
	Open                               int
	Disabled                           bool
}

func (c *Console) serveSources(v *visit) error {
	res, err := c.cfg.Questions.ListSources(v.r.Context(), connect.NewRequest(&v1.ListSourcesRequest{}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	at := c.clockOf(res.Msg.Header)
	page := sourcesPage{Basis: c.basisOf(res.Msg.Header)}
	for _, s := range res.Msg.Sources {
		r := sourceRow{
			Name: s.Source.GetName(), Owner: s.Source.GetOwner(), Systems: strings.Join(s.Source.GetSystems(), ", "), Zone: s.Source.GetTimeZone(),
			Policy: policyWord(s.Source.GetIdentityPolicy()), Events: s.Events, DeadLetters: s.DeadLetters, First: at.at(s.FirstOccurredUs),
			Last: at.at(s.LastOccurredUs), Received: at.at(s.LastReceivedUs), Disabled: s.Source.GetDisabled(),
		}
		for _, g := range s.Gaps {
			line := gapOf(at, g)
			if line.Until == nil {
				r.Open++
			}
			r.Gaps = append(r.Gaps, line)
		}
		page.Sources = append(page.Sources, r)
	}
	return v.render(http.StatusOK, "sources", page)
}

// policyWord says how a source's events are told apart.
func policyWord(p v1.IdentityPolicy) string {
	switch p {
	case v1.IdentityPolicy_IDENTITY_POLICY_NATIVE:
		return "by the source's own id"
	case v1.IdentityPolicy_IDENTITY_POLICY_CONTENT:
		return "by content"
	case v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL:
		return "by content and place in the file"
	}
	return ""
}
