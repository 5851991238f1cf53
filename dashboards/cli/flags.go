package cli

import (
	"errors"
	"strings"

	"connectrpc.com/connect"
)

// flags are the flags by which a person fills the fields of a question, whose names the API's errors carry.
var flags = strings.NewReplacer(
	"from_us", "--from", "until_us", "--until", "as_of_us", "--as-of", "time_zone", "--zone", "page.size", "--limit", "page.token", "--page",
	"filter.", "", "object_type", "--object-type", "network_address", "--address",
)

// inFlags tells what is wrong with a question by the flags that fill it.
func inFlags(err error) error {
	var failed *connect.Error
	if !errors.As(err, &failed) || failed.Code() != connect.CodeInvalidArgument && failed.Code() != connect.CodeFailedPrecondition {
		return err
	}
	message := flags.Replace(failed.Message())
	field, problem, _ := strings.Cut(message, ": ")
	switch field {
	case "purpose", "object", "site", "workstation", "source", "text", "action", "department", "role", "unresolved":
		message = "--" + field + ": " + problem
	case "conditions":
		message = "name at least one condition besides the time, such as --object or --workstation"
	}
	return connect.NewError(failed.Code(), errors.New(message))
}
