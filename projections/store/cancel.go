package store

import (
	"context"
	"errors"
	"strings"
)

// Cancel stops the statements that InsertAs and InsertNative started under this name in this database, by whichever
// process, and waits until they have ended. With the embedded engine nothing of them runs afterwards, not even what was
// still on its way, so what is in the tables then is what stays. A server knows only statements that have begun: what a
// broken network still holds back may arrive later, and only something in the tables can refuse it. A name that begins with
// this one and a dash is cancelled as well. It needs a session like any statement, so it waits while all of them are busy.
func (s *Store) Cancel(ctx context.Context, name string) error {
	if name == "" || strings.ContainsAny(name, "'\\%_*/") {
		return errors.New("clickhouse cancel: a name must not be empty or hold quotes, slashes and wildcards")
	}
	// A server knows the statement by its id; the embedded engine by a comment that carries the id.
	id := s.statements(name)
	sql := "KILL QUERY WHERE startsWith(query_id, '" + id + "') OR startsWith(query, '/* readtrail:" + id + "') SYNC"
	return wrap(ctx, "cancel", s.conn.Exec(s.context(ctx, "", nil), sql))
}
