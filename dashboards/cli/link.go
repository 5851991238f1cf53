package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Link is `readtrail link`.
type Link struct {
	Role string `help:"Role of the session: respondent, viewer, investigator, privacy_officer or administrator, at most your own. Default: your own." placeholder:"ROLE"`
}

// Run prints the link, alone on its line.
func (l Link) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	res, err := NewLink(ctx, conn, l.Role)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s\n", res.Url)
	fmt.Fprintf(conn.aside(), "Signs you in as %s, once, until %s. Who has it needs no password: do not pass it on.\n",
		words.Enum(res.Role, ""), time.UnixMicro(res.ExpiresUs).Local().Format("15:04"))
	return nil
}

// NewLink makes a one-time link to the console for the user of this machine who asks.
func NewLink(ctx context.Context, conn *Connection, role string) (*v1.CreateLinkResponse, error) {
	client := readtrailv1connect.NewSignInServiceClient(conn.HTTP, conn.Base)
	res, err := client.CreateLink(ctx, connect.NewRequest(&v1.CreateLinkRequest{Role: role}))
	if err != nil {
		return nil, fmt.Errorf("make a link: %w", err)
	}
	return res.Msg, nil
}
