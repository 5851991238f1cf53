package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// browser is somebody who is signed in to the console, over TCP as browsers are.
type browser struct {
	http *http.Client
	base string
}

// signIn signs in by a one-time link.
func (s *server) signIn(ctx context.Context) (*browser, error) {
	res, err := readtrailv1connect.NewSignInServiceClient(s.http, base).CreateLink(ctx, connect.NewRequest(&v1.CreateLinkRequest{}))
	if err != nil {
		return nil, fmt.Errorf("ask for a link: %w", err)
	}
	at, err := url.Parse(res.Msg.Url)
	if err != nil {
		return nil, fmt.Errorf("read the link: %w", err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	w := &browser{base: at.Scheme + "://" + at.Host, http: &http.Client{
		Jar: jar, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	_, err = w.send(ctx, "/sign-in", url.Values{"secret": {at.Fragment}})
	return w, err
}

// page is what the console answered.
type page struct {
	status         int
	body, location string
}

// get asks for a page, or for the part of one that its script loads into target.
func (w *browser) get(ctx context.Context, path, target string) (page, error) {
	return w.do(ctx, http.MethodGet, path, target, nil)
}

// send sends a form and returns the path that it leads to.
func (w *browser) send(ctx context.Context, path string, form url.Values) (string, error) {
	p, err := w.do(ctx, http.MethodPost, path, "", form)
	if err == nil && p.status != http.StatusSeeOther {
		err = fmt.Errorf("send a form: the console answers %d", p.status)
	}
	return p.location, err
}

func (w *browser) do(ctx context.Context, method, path, target string, form url.Values) (p page, err error) {
	req, err := http.NewRequestWithContext(ctx, method, w.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return p, fmt.Errorf("ask the console: %w", err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if target != "" {
		req.Header.Set("Hx-Request", "true")
		req.Header.Set("Hx-Target", target)
	}
	res, err := w.http.Do(req)
	if err != nil {
		return p, fmt.Errorf("ask the console: %w", err)
	}
	defer res.Body.Close()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		// It goes on: its beginning is what the page waits for.
		beginning := make([]byte, 512)
		n, err := res.Body.Read(beginning)
		if n > 0 || errors.Is(err, io.EOF) {
			err = nil
		}
		return page{status: res.StatusCode, body: string(beginning[:n])}, err //nolint:wrapcheck // says what failed
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return p, fmt.Errorf("read a page: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return p, fmt.Errorf("ask the console for %s: %s", firstPart(path), res.Status)
	}
	return page{res.StatusCode, string(body), res.Header.Get("Location")}, nil
}

// firstPart is a path without the handle in it.
func firstPart(path string) string {
	part, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return "/" + part
}

// links are the paths of a page's links to views of a kind, in their order, each once.
func (p page) links(to string) (all []string) {
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`href="(/`+to+`/[\w-]{22})"`).FindAllStringSubmatch(p.body, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			all = append(all, m[1])
		}
	}
	return all
}
