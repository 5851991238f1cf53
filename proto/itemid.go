package proto

import (
	"fmt"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ContentCheckSize is how many bytes of a content hash an item keeps. With 8, making a second content that passes for
// the first takes 2^64 tries, which is what someone would need who wants an event swallowed as a duplicate.
const ContentCheckSize = 8

// Check returns the part of the hash that is stored with the item and in the duplicate index.
func (c ContentHash) Check() []byte { return append([]byte(nil), c[:ContentCheckSize]...) }

// eventIDField returns where the body of an item keeps the item's id, or nil for a kind that has none: ticks, marks,
// questions and most commands are never sent twice by a source.
func eventIDField(it *v1.Item) *[]byte {
	switch body := it.Body.(type) {
	case *v1.Item_Access:
		return &body.Access.EventId
	case *v1.Item_Context:
		return &body.Context.EventId
	case *v1.Item_DeadLetter:
		return &body.DeadLetter.EventId
	case *v1.Item_Coverage:
		return &body.Coverage.EventId
	case *v1.Item_ContextGap:
		return &body.ContextGap.EventId
	case *v1.Item_CaseEntry:
		return &body.CaseEntry.EventId
	case *v1.Item_ViewEntry:
		return &body.ViewEntry.EventId
	}
	return nil
}

// ItemID returns the id that the item's body carries or stands for, or the zero id where it carries none. The error wraps ErrEventID.
func ItemID(it *v1.Item) (EventID, error) {
	field := eventIDField(it)
	if field == nil || len(*field) == 0 {
		return EventID{}, nil
	}
	if a := it.GetAccess(); a != nil && isNativeMark(a.EventId) {
		return NativeID(a), nil
	}
	return EventIDFromBytes(*field)
}

// SetItemID replaces the id that the item's body carries. It fails for a kind that has none.
func SetItemID(it *v1.Item, id EventID) error {
	field := eventIDField(it)
	if field == nil {
		return fmt.Errorf("set id of an item of kind %s: it has none: %w", KindOf(it), ErrEventID)
	}
	*field = id.Bytes()
	return nil
}
