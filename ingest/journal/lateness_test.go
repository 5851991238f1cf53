package journal_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/readtrail/readtrail/ingest"
)

// lateProxy stands before a NATS server. Armed, it keeps the next message for the journal back until the one after it
// comes, and passes both on in the order in which they were sent.
type lateProxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu    sync.Mutex // guards what follows
	armed bool
	held  []byte
	conns []net.Conn
}

func newLateProxy(t *testing.T, srv *server.Server) *lateProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &lateProxy{listener: listener, target: srv.Addr().String()}
	p.wg.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", p.target)
			if err != nil {
				_ = client.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, client, up)
			p.mu.Unlock()
			p.wg.Go(func() { _, _ = io.Copy(client, up); _ = client.Close() })
			p.wg.Go(func() { p.pass(up, client); _ = up.Close() })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// pass reads the client's protocol: lines, and after those that publish as many bytes as their last word says.
func (p *lateProxy) pass(up io.Writer, client io.Reader) {
	in := bufio.NewReaderSize(client, 64<<10)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		message := []byte(line)
		words := strings.Fields(line)
		publishes := len(words) > 2 && (words[0] == "PUB" || words[0] == "HPUB")
		if publishes {
			size, err := strconv.Atoi(words[len(words)-1])
			if err != nil {
				return
			}
			payload := make([]byte, size+2)
			if _, err := io.ReadFull(in, payload); err != nil {
				return
			}
			message = append(message, payload...)
		}
		if publishes && words[1] == "journal" {
			message = p.late(message)
		}
		if _, err := io.Copy(up, bytes.NewReader(message)); err != nil {
			return
		}
	}
}

func (p *lateProxy) late(message []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed {
		p.armed, p.held = false, message
		return nil
	}
	message = append(p.held, message...)
	p.held = nil
	return message
}

// TestBatchTurnsUpAfterProbe lets a batch that was given up arrive when the recovery's probe does. Both are this
// writer's: it goes on, and what stands in the stream is a duplicate.
func TestBatchTurnsUpAfterProbe(t *testing.T) {
	srv := external(t, nil)
	p := newLateProxy(t, srv)
	cfg := externalConfig(t, srv)
	cfg.External.URL = "nats://" + p.listener.Addr().String()
	cfg.PublishTimeout = 3 * time.Second // what is answered is answered within it, also where the disk is slow
	j := open(t, cfg)
	mustAppend(t, j, numbered(0))
	p.mu.Lock()
	p.armed = true
	p.mu.Unlock()
	if _, err := j.Append(t.Context(), []ingest.Entry{numbered(1)}, ingest.Options{}); !errors.Is(err, ingest.ErrBusy) {
		t.Fatalf("append without an answer: %v", err)
	}
	if r := appendUntilKept(t, j, numbered(1))[0]; r.Status != ingest.Duplicate || r.Position.Sequence() != 2 {
		t.Errorf("the batch that came late: %+v", r)
	}
	mustAppend(t, j, numbered(2))
	if n := len(accesses(readAll(t, j))); n != 3 {
		t.Errorf("%d accesses, want 3", n)
	}
}
