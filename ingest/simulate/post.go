package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Poster sends events and resources to a running server as newline-delimited FHIR, the way real sources do. What the
// server does not take now (503, 429, a broken connection) is sent again until ctx ends: the server recognises repeats.
// It is for use by one goroutine.
type Poster struct {
	base   string
	tokens map[string]string
	client *http.Client
	body   bytes.Buffer
}

// PosterConfig says where to.
type PosterConfig struct {
	// URL is the server's address without /fhir, for example http://127.0.0.1:8080.
	URL string
	// Tokens are the credentials of the sources, by name, sent as bearer tokens. A source without one is only named
	// (?source=), which a server accepts from users of its own machine.
	Tokens map[string]string
	// Client carries the requests. Default http.DefaultClient; a client with another transport reaches a Unix socket or
	// presents a certificate.
	Client *http.Client
}

const (
	// postTimeout bounds one request: the server answers after its disk has, which takes milliseconds, and a full journal
	// answers 503 at once.
	postTimeout = 30 * time.Second
	// Waits between attempts, where the server names none.
	firstWait = 250 * time.Millisecond
	longWait  = 15 * time.Second
	// postLines is how many lines one request carries at most.
	postLines = 2000
)

// NewPoster checks the address.
func NewPoster(cfg PosterConfig) (*Poster, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("simulate: server address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("simulate: server address: http://HOST or https://HOST is needed")
	}
	if cfg.Client == nil {
		cfg.Client = http.DefaultClient
	}
	return &Poster{base: strings.TrimSuffix(cfg.URL, "/"), tokens: cfg.Tokens, client: cfg.Client}, nil
}

// Events sends events, those of one source in one request (2,000 at most). It returns when the server has all of them.
func (p *Poster) Events(ctx context.Context, events []Event) error {
	for _, source := range Sources() {
		lines := 0
		p.body.Reset()
		for i := range events {
			if events[i].Source != source {
				continue
			}
			p.line(events[i].JSON)
			if lines++; lines == postLines {
				if err := p.send(ctx, source); err != nil {
					return err
				}
				lines = 0
				p.body.Reset()
			}
		}
		if lines > 0 {
			if err := p.send(ctx, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resources sends context as the main record system does, and returns how many.
func (p *Poster) Resources(ctx context.Context, all func(yield func(Resource) bool)) (int, error) {
	var err error
	n := 0
	p.body.Reset()
	for r := range all {
		p.line(r.JSON)
		if n++; n%postLines == 0 {
			if err = p.send(ctx, SourceEHR); err != nil {
				return n, err
			}
			p.body.Reset()
		}
	}
	if p.body.Len() > 0 {
		err = p.send(ctx, SourceEHR)
	}
	return n, err
}

func (p *Poster) line(b []byte) {
	p.body.Write(b)
	p.body.WriteByte('\n')
}

// send repeats one request until the server has taken it, refused it for good, or ctx ends.
func (p *Poster) send(ctx context.Context, source string) error {
	wait := firstWait
	for {
		again, after, err := p.try(ctx, source)
		if !again {
			return err
		}
		if after == 0 {
			after, wait = wait, min(2*wait, longWait)
		}
		timer := time.NewTimer(after)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("post events: %w", ctx.Err())
		case <-timer.C:
		}
	}
}

func (p *Poster) try(ctx context.Context, source string) (again bool, after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/fhir?source="+url.QueryEscape(source), bytes.NewReader(p.body.Bytes()))
	if err != nil {
		return false, 0, fmt.Errorf("post events: %w", err)
	}
	req.Header.Set("Content-Type", "application/fhir+ndjson")
	if token := p.tokens[source]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return true, 0, fmt.Errorf("post events: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	switch {
	case resp.StatusCode < 300:
		return false, 0, nil
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return true, min(time.Duration(max(0, seconds))*time.Second, longWait), fmt.Errorf("post events: %s", resp.Status)
	}
	return false, 0, fmt.Errorf("post events for source %s: the server answers %s", source, resp.Status)
}
