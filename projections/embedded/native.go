package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// newestRevision is the highest revision of the Native format that recode writes.
const newestRevision = proto.DBMS_TCP_PROTOCOL_VERSION

// recode rewrites Native blocks from revision 0, which is what the library's Native format is, to the revision the
// client asked for. A real server does this inside its output format.
//
// It fails for column types that clickhouse-go cannot read, such as states of aggregate functions: finish them in SQL
// (uniqMerge, finalizeAggregation) or cast them to a String.
func recode(data []byte, revision uint64, server *column.ServerContext, buf *chproto.Buffer) error {
	revision = min(revision, newestRevision)
	reader := chproto.NewReader(bytes.NewReader(data))
	for {
		block := proto.Block{ServerContext: server}
		if err := block.Decode(reader, 0); err != nil {
			if errors.Is(err, io.EOF) && block.Columns == nil {
				return nil
			}
			return fmt.Errorf("decode native block: %w", err)
		}
		if err := block.EncodeHeader(buf, revision); err != nil {
			return fmt.Errorf("encode native block: %w", err)
		}
		for i, c := range block.Columns {
			if block.Rows() > 0 {
				if err := block.EncodeColumn(buf, revision, i); err != nil {
					return fmt.Errorf("encode native block: %w", err)
				}
				continue
			}
			// A column without rows has no data at all, not even the prefix that EncodeColumn would write.
			buf.PutString(c.Name())
			buf.PutString(string(c.Type()))
			if revision >= proto.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION {
				buf.PutBool(false)
			}
		}
	}
}
