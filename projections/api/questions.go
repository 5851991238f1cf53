package api

import (
	"container/list"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/readtrail/readtrail/proto"
)

const (
	// questionWindow is how long pages and refreshes add to one question.
	questionWindow = 15 * time.Minute
	// maxOpenQuestions bounds the book: 10,000 questions of about 200 bytes are 2 MB, and more than 10 new ones a second
	// for a whole window. Beyond it the oldest question ends early: its next page begins a new one.
	maxOpenQuestions = 10_000
)

// errOtherQuestion refuses a question id that was given for another asker, query, subject or purpose.
var errOtherQuestion = errors.New("question id of another question")

// questionKey is a hash over asker, query, subject and purpose: the book holds no identifiers.
type questionKey [sha256.Size]byte

func newQuestionKey(asker, query, subject, purpose string) questionKey {
	h := sha256.New()
	for _, part := range []string{asker, query, subject, purpose} {
		sum := sha256.Sum256([]byte(part))
		h.Write(sum[:])
	}
	var key questionKey
	h.Sum(key[:0])
	return key
}

type openQuestion struct {
	id      proto.EventID
	key     questionKey
	started time.Time
	pages   uint32
}

// questionBook remembers which questions are open. It is lost with the process: then pages begin a new question.
type questionBook struct {
	mu    sync.Mutex
	byKey map[questionKey]*list.Element
	byID  map[proto.EventID]*list.Element
	// age holds *openQuestion, oldest first.
	age *list.List
}

func newQuestionBook() *questionBook {
	return &questionBook{byKey: map[questionKey]*list.Element{}, byID: map[proto.EventID]*list.Element{}, age: list.New()}
}

// page counts one answer to a question and returns the question's id and the number of this page, from 1. claimed is
// the id that the asker continues, or zero; one that the book does not know any more begins a new question.
func (b *questionBook) page(now time.Time, key questionKey, claimed proto.EventID) (proto.EventID, uint32, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(now)
	if e, ok := b.byID[claimed]; ok && !claimed.IsZero() && question(e).key != key {
		return proto.EventID{}, 0, errOtherQuestion
	}
	if e, ok := b.byKey[key]; ok {
		q := question(e)
		q.pages++
		return q.id, q.pages, nil
	}
	id, err := proto.MintEventID(now)
	if err != nil {
		return proto.EventID{}, 0, err
	}
	e := b.age.PushBack(&openQuestion{id: id, key: key, started: now, pages: 1})
	b.byKey[key], b.byID[id] = e, e
	return id, 1, nil
}

// check refuses a claimed id of another question before anything is computed.
func (b *questionBook) check(now time.Time, key questionKey, claimed proto.EventID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire(now)
	if e, ok := b.byID[claimed]; ok && question(e).key != key {
		return errOtherQuestion
	}
	return nil
}

func (b *questionBook) expire(now time.Time) {
	for e := b.age.Front(); e != nil; e = b.age.Front() {
		q := question(e)
		if age := now.Sub(q.started); age >= 0 && age < questionWindow && b.age.Len() < maxOpenQuestions {
			return
		}
		b.age.Remove(e)
		delete(b.byKey, q.key)
		delete(b.byID, q.id)
	}
}

func question(e *list.Element) *openQuestion {
	q, _ := e.Value.(*openQuestion)
	return q
}
