package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

const (
	// answerTimeout bounds one answer. The slowest that is meant to come, a search over ten years without an index to
	// help, takes seconds; beyond half a minute nobody is waiting any more.
	answerTimeout = 30 * time.Second
	// maxRequest bounds a request in bytes: the largest valid one has a dozen fields of at most 2,000.
	maxRequest = 64 << 10
)

// Config is what the query service is made of. The journal's parts are functions, because the read side does not know
// the write side.
type Config struct {
	// Store reaches ClickHouse. Required.
	Store *store.Store
	// Version returns the version of the projections that answers; 0 while there is none. Required.
	Version func(ctx context.Context) (uint64, error)
	// Live returns what the version that answers holds, when this process keeps it up; false: ask ClickHouse. Default: never.
	Live func() (projections.Live, bool)
	// Ask journals questions and returns once they are on disk. When it fails, the answer does not leave. Required.
	Ask func(ctx context.Context, questions []*v1.Question) error
	// Freeze journals a frozen scope and returns its position once it is on disk. Default: scopes cannot be frozen.
	Freeze func(ctx context.Context, frozen *v1.ScopeFrozen) (proto.Position, error)
	// Locate finds the position of an event or dead letter by its id. Required.
	Locate func(ctx context.Context, id proto.EventID) (proto.Position, bool, error)
	// ReadBatch reads the message at a stream sequence, which the journal has. Required.
	ReadBatch func(ctx context.Context, sequence uint64) (*proto.Batch, error)
	// Head is the journal's last position. Required.
	Head func() proto.Position
	// JournalStatus says how the journal is. Required.
	JournalStatus func(ctx context.Context) (JournalStatus, error)
	// Streams are the last messages of what detectors write. Default: no detector writes here, and GetStatus does not speak of it.
	Streams func() StreamHeads
	// Tasks tells what runs in this process and takes a while (Tasks.Running). Default: nothing does.
	Tasks func() []*v1.RunningTask
	// LearningDays is how many days detectors learn what is usual before they judge any. Default: not told.
	LearningDays int
	// Names are what the rule set in force calls detectors and scenarios; questions for others are refused. Default: every name is taken.
	Names RuleNames
	// PseudonymKey makes pseudonyms of readers, records and workstations, the same for as long as the key is. Default: a random one, so
	// that they hold until the process ends.
	PseudonymKey []byte
	// Readers says which readers a caller is, so that nobody reads alerts about themself; false: nobody said. An identifier without a
	// system is meant in every one. Default: nobody said of anybody.
	Readers func(c proto.Caller) (readers []*v1.Identifier, known bool)
	// Askers are those whom the configuration or a token names, with the role where it is known. Default: nobody.
	Askers func() []proto.Caller
	// Limits says which sites and departments a caller may see accesses of. Default: everybody sees everything.
	Limits func(c proto.Caller) proto.Limits
	// Glass is how askers see beyond their role and limits. Default: they do not.
	Glass Glass
	// KnownReadersOnly keeps alerts, findings and scopes from callers of whom nobody said which readers they are.
	KnownReadersOnly bool
	// SoftwareVersion is what GetStatus calls this program. Default "unknown".
	SoftwareVersion string
	// TimeZone is the site's, in which days are told unless a question names another. Default UTC.
	TimeZone *time.Location
	// Now is the clock of questions: when they were asked, and which belong together. Default time.Now.
	Now func() time.Time
	// Logger gets failures, never identifiers. Default: discarded.
	Logger *slog.Logger
	// Registerer takes the metrics. Default: none.
	Registerer prometheus.Registerer
}

// StreamHeads are the last messages of the streams that detectors write.
type StreamHeads struct{ Findings, Alerts uint64 }

// JournalStatus is what GetStatus says of the journal.
type JournalStatus struct {
	Bytes, Messages uint64
	// Durability is "verified" or "attested", and Reason says how it is known.
	Durability, Reason string
}

// Validate reports every fault of the configuration at once.
func (c Config) Validate() error {
	var faults []error
	for name, missing := range map[string]bool{
		"store": c.Store == nil, "version": c.Version == nil, "ask": c.Ask == nil, "locate": c.Locate == nil,
		"read batch": c.ReadBatch == nil, "head": c.Head == nil, "journal status": c.JournalStatus == nil,
	} {
		if missing {
			faults = append(faults, fmt.Errorf("query service: %s is required", name))
		}
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if c.SoftwareVersion == "" {
		c.SoftwareVersion = "unknown"
	}
	if c.TimeZone == nil {
		c.TimeZone = time.UTC
	}
	if c.Live == nil {
		c.Live = func() (projections.Live, bool) { return projections.Live{}, false }
	}
	if len(c.PseudonymKey) == 0 {
		c.PseudonymKey = []byte(rand.Text())
	}
	if c.Askers == nil {
		c.Askers = func() []proto.Caller { return nil }
	}
	if c.Limits == nil {
		c.Limits = func(proto.Caller) proto.Limits { return proto.Limits{} }
	}
	if c.Glass.Valid == 0 {
		c.Glass.Valid = glassValid
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Service answers questions. It is safe for concurrent use.
type Service struct {
	cfg        Config
	logger     *slog.Logger
	metrics    *metrics
	engine     *engine
	questions  *questionBook
	summaries  *summaries
	pseudonyms pseudonyms
	glasses    *glasses
	// reviews is held by a review of a broken glass.
	reviews sync.Mutex
	exports *exportPlaces
	// reportKey keys the codes that stand for staff in reports for patients.
	reportKey [32]byte
	// patience is how long an answer waits for the projections: catchUpTimeout.
	patience time.Duration
	// inspected is how many events one page of a search looks into: maxInspectedEvents.
	inspected int
}

var _ readtrailv1connect.QueryServiceHandler = (*Service)(nil)

// New makes the service. Close it: it owns a goroutine that journals summaries of questions.
func New(cfg Config) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	broken, err := newGlasses(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("register metrics of broken glasses: %w", err)
	}
	logger := cfg.Logger.With(slog.String("component", "api"))
	s := &Service{
		cfg: cfg, logger: logger, metrics: m, engine: newEngine(cfg.Store), questions: newQuestionBook(),
		summaries: newSummaries(cfg, logger), patience: catchUpTimeout, inspected: maxInspectedEvents,
		pseudonyms: pseudonyms{cfg.PseudonymKey}, glasses: broken, exports: newExportPlaces(),
	}
	s.engine.detecting = detecting{site: cfg.TimeZone, learning: cfg.LearningDays}
	_, _ = rand.Read(s.reportKey[:]) // does not fail
	if cfg.Registerer != nil {
		if err := cfg.Registerer.Register(newCaseMetrics(s)); err != nil {
			return nil, fmt.Errorf("register metrics of cases: %w", err)
		}
	}
	return s, nil
}

// Close journals what summaries hold back and stops the service's goroutine. Stop the listener first.
func (s *Service) Close(ctx context.Context) error {
	if err := s.summaries.close(ctx); err != nil {
		return fmt.Errorf("journal summaries of questions: %w", err)
	}
	return nil
}

// Handler returns the path prefix and the handler of the service. The listener puts the caller into the context
// (proto.WithCaller) before it; without one every question is refused.
func (s *Service) Handler(options ...connect.HandlerOption) (string, http.Handler) {
	return readtrailv1connect.NewQueryServiceHandler(s, s.handling(options)...)
}

// handling is how every service here is served: requests are bounded, and masks are for one place (readmask.go).
func (s *Service) handling(options []connect.HandlerOption) []connect.HandlerOption {
	return append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest), connect.WithInterceptors(masking())}, options...)
}

// answer runs one question that is answered within answerTimeout.
func answer[Res any](ctx context.Context, s *Service, query string, mayAsk func(proto.Caller) bool, compute func(context.Context, proto.Caller) (*Res, error)) (*connect.Response[Res], error) {
	return run(ctx, s, manner{query, answerTimeout, mayAsk}, compute)
}

// manner is how a question is run.
type manner struct {
	query  string
	limit  time.Duration
	mayAsk func(proto.Caller) bool
}

// run runs one question: it checks the caller, bounds the time, covers whom the answer may not name, counts and translates the outcome.
func run[Res any](ctx context.Context, s *Service, how manner, compute func(context.Context, proto.Caller) (*Res, error)) (*connect.Response[Res], error) {
	started := time.Now()
	ctx, cancel := context.WithTimeout(unopened(ctx), how.limit)
	defer cancel()
	var res *Res
	caller, err := s.admit(ctx, how.query, how.mayAsk)
	if err == nil {
		res, err = compute(ctx, caller)
	}
	if err == nil {
		res, err = leaving(ctx, s, res)
	}
	err = s.translate(ctx, how.query, err)
	s.metrics.observe(how.query, err, time.Since(started))
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(res), nil
}

func permit(c proto.Caller, mayAsk func(proto.Caller) bool) error {
	switch {
	case c.Name == "":
		return connect.NewError(connect.CodeUnauthenticated, errors.New("sign in: a token is required"))
	case !mayAsk(c):
		return connect.NewError(connect.CodePermissionDenied, errors.New("this role may not ask this question"))
	}
	return nil
}

// Who may ask what. Questions that name people need an investigator; what names nobody, any role but that of respondents, who may ask
// what they are asked.
func asksOfPeople(c proto.Caller) bool { return c.MayAsk() }
func anyRole(c proto.Caller) bool      { return c.MayLook() }
func isAsked(c proto.Caller) bool      { return c.Role != "" }

// metrics of the service; labels name queries and codes, never people.
type metrics struct {
	seconds *prometheus.HistogramVec
	refused prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "readtrail_projections_answer_seconds", Help: "Time to answer a question, by query and result code.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 14),
		}, []string{"query", "code"}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "readtrail_projections_answers_withheld_total",
			Help: "Answers that were withheld because their question could not be journaled.",
		}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.seconds), r.Register(m.refused))
}

func (m *metrics) observe(query string, err error, took time.Duration) {
	code := "ok"
	if err != nil {
		code = connect.CodeOf(err).String()
	}
	m.seconds.WithLabelValues(query, code).Observe(took.Seconds())
}
