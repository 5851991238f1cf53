package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// CaseAssess is `readtrail case assess`.
type CaseAssess struct {
	CaseStep
	Conclusion     string   `required:"" help:"What it is: ${enum}." enum:"breach,low-probability,exception,not-phi"`
	Information    string   `help:"Factor (i), the nature and extent of the information, as 'low|medium|high: why'." placeholder:"RISK:TEXT"`
	Person         string   `help:"Factor (ii), who used it or received it." placeholder:"RISK:TEXT"`
	Viewed         string   `help:"Factor (iii), whether it was actually acquired or viewed." placeholder:"RISK:TEXT"`
	Mitigation     string   `help:"Factor (iv), how far the risk is mitigated." placeholder:"RISK:TEXT"`
	Exception      string   `help:"Which exception of 45 CFR 164.402(1): good-faith, inadvertent or not-retained." placeholder:"WHICH"`
	People         uint64   `help:"How many people it concerns; readtrail scope --case counts them." placeholder:"N"`
	MostInOneState uint64   `help:"The most of them that live in one state." placeholder:"N"`
	Discovered     string   `help:"Corrects when the matter was discovered." placeholder:"TIME"`
	Law            []string `help:"Corrects whose notices it may owe: hipaa, california, gdpr. May be repeated." placeholder:"LAW"`
	ByLaw          []string `help:"What it comes to under another law of the case than HIPAA, where that is something else, as 'california|gdpr:breach|low-probability|not-phi:why'. May be repeated." placeholder:"LAW:CONCLUSION:TEXT" sep:"none"`
	Text           string   `required:"" help:"Why, up to 4000 characters."`
}

// Run writes an assessment.
func (q CaseAssess) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	a := &v1.BreachAssessed{
		Conclusion: v1.BreachConclusion(enumOf(v1.BreachConclusion_value, "BREACH_CONCLUSION_", q.Conclusion)),
		Exception:  v1.BreachException(enumOf(v1.BreachException_value, "BREACH_EXCEPTION_", q.Exception)),
		People:     q.People, MostInOneState: q.MostInOneState, Laws: laws(q.Law), Text: q.Text,
	}
	if q.Exception != "" && a.Exception == 0 {
		return errors.New("--exception: good-faith, inadvertent or not-retained")
	}
	if slices.Contains(a.Laws, v1.NoticeLaw_NOTICE_LAW_UNSPECIFIED) {
		return errors.New("--law: hipaa, california or gdpr")
	}
	for _, text := range q.ByLaw {
		by := lawConcluded(text)
		if by.Law == 0 || by.Conclusion == 0 || by.Text == "" {
			return errors.New("--by-law: write the law, what it comes to and why, such as 'gdpr:breach: the risk is not unlikely'")
		}
		a.ByLaw = append(a.ByLaw, by)
	}
	for _, f := range []struct {
		flag, text string
		factor     v1.BreachFactor
	}{
		{"--information", q.Information, v1.BreachFactor_BREACH_FACTOR_INFORMATION},
		{"--person", q.Person, v1.BreachFactor_BREACH_FACTOR_PERSON},
		{"--viewed", q.Viewed, v1.BreachFactor_BREACH_FACTOR_VIEWED},
		{"--mitigation", q.Mitigation, v1.BreachFactor_BREACH_FACTOR_MITIGATION},
	} {
		if f.text == "" {
			continue
		}
		risk, why, _ := strings.Cut(f.text, ":")
		judged := &v1.FactorJudged{Factor: f.factor, Text: strings.TrimSpace(why)}
		judged.Risk = v1.BreachRisk(enumOf(v1.BreachRisk_value, "BREACH_RISK_", strings.TrimSpace(risk)))
		if judged.Risk == 0 || judged.Text == "" {
			return fmt.Errorf("%s: write the risk and why, such as 'low: names and dates only'", f.flag)
		}
		a.Factors = append(a.Factors, judged)
	}
	if err := conn.readTimes(ctx, typed{"--discovered", q.Discovered, &a.DiscoveredUs}); err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Assessed{Assessed: a}})
}

// lawConcluded reads what an assessment comes to under a law; what is not understood is left out.
func lawConcluded(text string) *v1.LawConcluded {
	law, rest, _ := strings.Cut(text, ":")
	conclusion, why, _ := strings.Cut(rest, ":")
	return &v1.LawConcluded{
		Law:        v1.NoticeLaw(enumOf(v1.NoticeLaw_value, "NOTICE_LAW_", strings.TrimSpace(law))),
		Conclusion: v1.BreachConclusion(enumOf(v1.BreachConclusion_value, "BREACH_CONCLUSION_", strings.TrimSpace(conclusion))),
		Text:       strings.TrimSpace(why),
	}
}

// CaseConclude is `readtrail case conclude`.
type CaseConclude struct {
	CaseStep
	As   string `required:"" help:"What it was: ${enum}." enum:"misuse,appropriate,inconclusive"`
	Text string `required:"" help:"What was found, and what follows from it; up to 4000 characters."`
}

// Run concludes.
func (q CaseConclude) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: dispositionOf(q.As), Text: q.Text}}})
}

// CaseNotice is `readtrail case notice`.
type CaseNotice struct {
	CaseStep
	Rule     string   `required:"" help:"To whom it is owed: ${enum}." enum:"individuals,hhs,media,covered-entity,california-department,california-patients,authority,other"`
	To       string   `help:"To whom; required of other rules."`
	Due      string   `help:"Of other rules: the time at which it is too late." placeholder:"TIME"`
	Sent     string   `help:"When it was sent. Without it the notice is planned." placeholder:"TIME"`
	People   uint64   `help:"How many were told." placeholder:"N"`
	Tells    []string `help:"What a notice to individuals tells: what-happened, information, protection, measures, contact. May be repeated." placeholder:"WHAT"`
	TellsAll bool     `help:"It tells all five (45 CFR 164.404(c)(1))."`
	Withdraw bool     `help:"What was planned is not to be sent after all; --text says why. What the law wants stays owed."`
	Text     string   `help:"How it was sent, and what else there is to say; up to 2000 characters."`
}

// Run plans a notice, or says that it was sent.
func (q CaseNotice) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	n := &v1.CaseNotice{Rule: v1.NoticeRule(enumOf(v1.NoticeRule_value, "NOTICE_RULE_", q.Rule)), To: q.To, People: q.People, Text: q.Text, Withdrawn: q.Withdraw}
	if q.TellsAll {
		q.Tells = []string{"what-happened", "information", "protection", "measures", "contact"}
	}
	for _, text := range q.Tells {
		content := v1.NoticeContent(enumOf(v1.NoticeContent_value, "NOTICE_CONTENT_", text))
		if content == 0 {
			return errors.New("--tells: what-happened, information, protection, measures or contact")
		}
		n.Contents = append(n.Contents, content)
	}
	if err := conn.readTimes(ctx, typed{"--due", q.Due, &n.DueUs}, typed{"--sent", q.Sent, &n.SentUs}); err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Notice{Notice: n}})
}

// CaseDelay is `readtrail case delay`.
type CaseDelay struct {
	CaseStep
	Statement string `required:"" help:"How it was stated: ${enum}. In writing notices wait for the time that is specified, orally for 30 days at most." enum:"written,oral,lifted"`
	Official  string `required:"" help:"Who stated it."`
	Agency    string `required:"" help:"Of which law-enforcement agency."`
	Stated    string `required:"" help:"When it was stated; of lifted, from when on notices may be sent." placeholder:"TIME"`
	Until     string `help:"The first moment at which notices may be sent. Of an oral statement by default the 30th day after it." placeholder:"TIME"`
	Ground    string `help:"What a notice would do: impede a criminal investigation, or damage national security: investigation or security." placeholder:"GROUND"`
	Text      string `required:"" help:"The statement as it was made, or where the document is; up to 2000 characters."`
}

// Run sets a statement of law enforcement down.
func (q CaseDelay) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	d := &v1.CaseDelayed{
		Statement: v1.DelayStatement(enumOf(v1.DelayStatement_value, "DELAY_STATEMENT_", q.Statement)), Official: q.Official, Agency: q.Agency,
		Ground: v1.DelayGround(enumOf(v1.DelayGround_value, "DELAY_GROUND_", q.Ground)), Text: q.Text,
	}
	if q.Ground != "" && d.Ground == 0 {
		return errors.New("--ground: investigation or security")
	}
	if err := conn.readTimes(ctx, typed{"--stated", q.Stated, &d.StatedUs}, typed{"--until", q.Until, &d.UntilUs}); err != nil {
		return err
	}
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Delayed{Delayed: d}})
}

// CaseHold is `readtrail case hold`.
type CaseHold struct {
	CaseStep
	Lift bool   `help:"Lift it."`
	Text string `help:"By whose order, and why; up to 2000 characters."`
}

// Run puts a hold on a case or lifts it.
func (q CaseHold) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{Held: !q.Lift, Text: q.Text}}})
}

// CaseClose is `readtrail case close`.
type CaseClose struct {
	CaseStep
	Text string `help:"Anything left to say; up to 2000 characters."`
}

// Run closes.
func (q CaseClose) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Closed{Closed: &v1.CaseClosed{Text: q.Text}}})
}

// CaseReopen is `readtrail case reopen`.
type CaseReopen struct {
	CaseStep
	Text string `required:"" help:"Why, up to 2000 characters."`
}

// Run reopens.
func (q CaseReopen) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	return q.write(ctx, conn, w, &v1.WriteCaseRequest{Body: &v1.WriteCaseRequest_Reopened{Reopened: &v1.CaseReopened{Text: q.Text}}})
}
