package console

import (
	"fmt"
	"strconv"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// narrowedPages bounds what is looked through for accesses of a verdict: 5,000 accesses, more than a stay of months has.
const narrowedPages = 5

// reasonNames are the verdicts that a list can be narrowed to.
var reasonNames = []string{"any, or none", "a known one", "none found", "not assessable"}

func reasonChoices(chosen int32) []choice {
	out := make([]choice, len(reasonNames))
	for i, name := range reasonNames {
		out[i] = choice{strconv.Itoa(i), name, int32(i) == chosen}
	}
	return out
}

// formReason is the verdict that a form chose; 0 is any.
func formReason(v *visit) int32 {
	n, err := strconv.ParseInt(v.r.PostForm.Get("reason"), 10, 32)
	if err != nil || n < 0 || n >= int64(len(reasonNames)) {
		return 0
	}
	return int32(n)
}

// askRecord asks who viewed a record: a page of it, or the accesses of one verdict. The API has no condition for verdicts, so those are
// picked here from what it lists, and the page says how many were looked through: totals stay those of the whole.
func (c *Console) askRecord(v *visit, x view, after string) (*v1.WhoViewedResponse, string, error) {
	m := &v1.WhoViewedRequest{
		Patient: x.ask.Subject, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, FromUs: x.ask.From, UntilUs: x.ask.Until,
		TimeZone: x.ask.Zone, Page: &v1.Page{Size: rowsAPage, Token: after}, Filter: x.ask.Only.filter(),
	}
	reason := v1.Verdict(x.ask.Only.Reason)
	if reason == v1.Verdict_VERDICT_UNSPECIFIED {
		res, err := c.cfg.Questions.WhoViewed(v.r.Context(), connect.NewRequest(m))
		if err != nil {
			return nil, "", err //nolint:wrapcheck // for people as it is
		}
		return res.Msg, "", nil
	}
	m.Page = &v1.Page{Size: largestPage}
	var whole *v1.WhoViewedResponse
	var kept []*v1.Access
	var seen uint64
	for range narrowedPages {
		res, err := c.cfg.Questions.WhoViewed(v.r.Context(), connect.NewRequest(m))
		if err != nil {
			return nil, "", err //nolint:wrapcheck // for people as it is
		}
		if whole == nil {
			whole = res.Msg
		}
		for _, a := range res.Msg.Accesses {
			if seen++; a.Verdict == reason {
				kept = append(kept, a)
			}
		}
		m.QuestionId = res.Msg.GetHeader().GetQuestionId()
		if m.Page.Token = res.Msg.NextPageToken; m.Page.Token == "" {
			break
		}
	}
	whole.Accesses, whole.NextPageToken = kept, ""
	said := fmt.Sprintf("%s of %s: those whose reason is %s. Numbers and readers above are of all.", number(uint64(len(kept))), countWord(seen), reasonNames[reason])
	if m.Page.Token != "" {
		said = fmt.Sprintf("Among the newest %s, %s: those whose reason is %s. Older ones were not looked through: name a period.",
			countWord(seen), number(uint64(len(kept))), reasonNames[reason])
	}
	return whole, said, nil
}
