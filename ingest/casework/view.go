package casework

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

// maxViews bounds the views of one owner: more is no menu any more, and an answer tells them all.
const maxViews = 200

// SaveView implements readtrailv1connect.CaseworkServiceHandler. Saving the same once more is answered with the first one's position and
// stores nothing.
func (s *Service) SaveView(ctx context.Context, req *connect.Request[v1.SaveViewRequest]) (*connect.Response[v1.SaveViewResponse], error) {
	caller, err := investigator(ctx)
	if err != nil {
		return nil, err
	}
	m := req.Msg
	id, err := checkView(m)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	all, err := s.viewsNow(ctx)
	if err != nil {
		return nil, err
	}
	e := &v1.ViewEntry{Version: m.Version + 1, Owner: caller.Name, Name: strings.TrimSpace(m.Name), Shared: m.Shared, Question: m.Question}
	if id.IsZero() {
		if again, ok := sameView(all, e); ok { // its answer was lost
			return saved(again), nil
		}
		if id, err = proto.MintEventID(s.cfg.Now()); err != nil {
			return nil, s.unavailable(ctx, "make an id", err)
		}
	} else {
		now, err := s.viewFor(ctx, all, caller, id)
		if err == nil {
			err = ownView(caller, now)
		}
		if err != nil {
			return nil, err
		}
		if e.Question == nil {
			e.Question = now.Entry.Question
		}
		if now.Entry.Version == e.Version && sameContent(now.Entry, e) {
			return saved(now), nil
		}
		if err := latest(now, m.Version); err != nil {
			return nil, err
		}
	}
	if err := permitView(all, id, e); err != nil {
		return nil, err
	}
	view, err := s.appendView(ctx, caller, id, e)
	if err != nil {
		return nil, err
	}
	s.cfg.Logger.InfoContext(ctx, "view saved", slog.Any("view", e), slog.String("asker", caller.Name))
	return saved(view), nil
}

// DeleteView implements readtrailv1connect.CaseworkServiceHandler. Deleting one that is deleted is answered as the first time.
func (s *Service) DeleteView(ctx context.Context, req *connect.Request[v1.DeleteViewRequest]) (*connect.Response[v1.DeleteViewResponse], error) {
	caller, err := investigator(ctx)
	if err != nil {
		return nil, err
	}
	id, err := proto.ParseEventID(req.Msg.View)
	if err != nil {
		return nil, invalid("view", "an id of 27 characters, as the list of views shows it")
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	s.commands.Lock()
	defer s.commands.Unlock()
	all, err := s.viewsNow(ctx)
	if err != nil {
		return nil, err
	}
	now, err := s.viewFor(ctx, all, caller, id)
	if err != nil {
		return nil, err
	}
	mine := now.Entry.GetOwner() == caller.Name
	switch {
	case !mine && !mayJudge(caller):
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("it is somebody else's: its owner, a privacy officer or an administrator may delete it"))
	case now.Entry.Deleted:
		return connect.NewResponse(&v1.DeleteViewResponse{Position: uint64(now.Position)}), nil
	}
	if err := latest(now, req.Msg.Version); err != nil {
		return nil, err
	}
	e, _ := protobuf.Clone(now.Entry).(*v1.ViewEntry)
	e.Version, e.Deleted = now.Entry.Version+1, true
	view, err := s.appendView(ctx, caller, id, e)
	if err != nil {
		return nil, err
	}
	s.cfg.Logger.InfoContext(ctx, "view deleted", slog.Any("view", e), slog.String("asker", caller.Name))
	return connect.NewResponse(&v1.DeleteViewResponse{Position: uint64(view.Position)}), nil
}

// viewsNow are the latest versions of all views, the read side's or later ones of this process.
func (s *Service) viewsNow(ctx context.Context) (map[proto.EventID]views.View, error) {
	known, err := s.cfg.Views(ctx)
	if err != nil {
		return nil, s.unavailable(ctx, "find saved views", err)
	}
	all := make(map[proto.EventID]views.View, len(known))
	for _, v := range known {
		id, err := proto.EventIDFromBytes(v.Entry.GetViewId())
		if err != nil {
			return nil, s.unavailable(ctx, "read saved views", err)
		}
		all[id] = v
	}
	for id, mine := range s.views {
		if mine.Entry.Version > all[id].Entry.GetVersion() {
			all[id] = mine
		} else {
			delete(s.views, id)
		}
	}
	return all, nil
}

// viewFor is a view as far as it is there for the caller: their own, or one that somebody shares and that they may be told of. Whoever
// does not see a view, because it is about them or lies elsewhere, neither changes nor deletes it, and does not learn that it is there.
func (s *Service) viewFor(ctx context.Context, all map[proto.EventID]views.View, caller proto.Caller, id proto.EventID) (views.View, error) {
	now, found := all[id]
	switch {
	case !found:
		return now, noView()
	case now.Entry.GetOwner() == caller.Name:
		return now, nil
	case !now.Entry.Shared, now.Entry.Deleted:
		return now, noView()
	}
	told, err := s.cfg.ViewTold(ctx, now)
	switch {
	case err != nil:
		return now, s.unavailable(ctx, "find a saved view", err)
	case !told:
		return now, noView()
	}
	return now, nil
}

// ownView refuses to change what is not the caller's, or is deleted.
func ownView(caller proto.Caller, now views.View) error {
	switch {
	case now.Entry.Deleted:
		return noView()
	case now.Entry.GetOwner() != caller.Name:
		return connect.NewError(connect.CodePermissionDenied, errors.New("it is somebody else's: save one of your own"))
	}
	return nil
}

func noView() error {
	return connect.NewError(connect.CodeNotFound, errors.New("there is no such view"))
}

// latest refuses a command from a version that is no longer the latest.
func latest(now views.View, version uint32) error {
	if version == now.Entry.Version {
		return nil
	}
	return connect.NewError(connect.CodeAborted, fmt.Errorf("version %d was looked at, and there is version %d: look at the view again", version, now.Entry.Version))
}

// permitView refuses a name that tells whom the view is about, where the question is the kept one too, and what the owner's other views do
// not allow.
func permitView(all map[proto.EventID]views.View, id proto.EventID, e *v1.ViewEntry) error {
	if err := checkViewName(e.Name, e.Question); err != nil {
		return err
	}
	others := 0
	for other, v := range all {
		if other == id || v.Entry.Deleted || v.Entry.Owner != e.Owner {
			continue
		}
		others++
		if strings.EqualFold(v.Entry.Name, e.Name) {
			return connect.NewError(connect.CodeAlreadyExists, errors.New("name: another view of yours has it"))
		}
	}
	if others >= maxViews {
		return refused("you have 200 views: delete one first")
	}
	return nil
}

// sameView finds the owner's view that is what they ask to save.
func sameView(all map[proto.EventID]views.View, e *v1.ViewEntry) (views.View, bool) {
	for _, v := range all {
		if v.Entry.Version == e.Version && !v.Entry.Deleted && sameContent(v.Entry, e) {
			return v, true
		}
	}
	return views.View{}, false
}

// sameContent reports whether two versions say the same.
func sameContent(a, b *v1.ViewEntry) bool {
	return a.Owner == b.Owner && a.Name == b.Name && a.Shared == b.Shared && a.Deleted == b.Deleted && protobuf.Equal(a.Question, b.Question)
}

func saved(v views.View) *connect.Response[v1.SaveViewResponse] {
	id, _ := proto.EventIDFromBytes(v.Entry.ViewId) // was read or made with one
	return connect.NewResponse(&v1.SaveViewResponse{View: id.String(), Version: v.Entry.Version, Position: uint64(v.Position)})
}

// appendView keeps a version. Its id follows from the view and its number, so that the journal tells one that was kept though its answer
// was lost, and two processes that claim one number.
func (s *Service) appendView(ctx context.Context, caller proto.Caller, id proto.EventID, e *v1.ViewEntry) (views.View, error) {
	version := views.EntryID(id, e.Version)
	e.ViewId, e.Asker, e.Role, e.AtUs = id.Bytes(), caller.Name, caller.Role, 0
	content, err := protobuf.MarshalOptions{Deterministic: true}.Marshal(e)
	if err != nil {
		return views.View{}, s.unavailable(ctx, "encode a view", err)
	}
	e.EventId, e.AtUs = version.Bytes(), s.cfg.Now().UnixMicro()
	entry := ingest.Entry{Item: &v1.Item{Body: &v1.Item_ViewEntry{ViewEntry: e}}, ID: version, Content: proto.HashContent(content)}
	results, err := s.cfg.Append.Append(ctx, []ingest.Entry{entry}, ingest.Options{Reserved: true})
	if err != nil {
		return views.View{}, s.unavailable(ctx, "append", err)
	}
	if results[0].Status == ingest.Conflict {
		return views.View{}, connect.NewError(connect.CodeAborted, errors.New("somebody else changed the view meanwhile: look at it again"))
	}
	if len(s.views) >= maxRemembered {
		clear(s.views)
	}
	v := views.View{Position: results[0].Position, Entry: e}
	s.views[id] = v
	return v, nil
}
