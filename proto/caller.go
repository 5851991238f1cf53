package proto

import "context"

// Roles that a token can carry, least first. An investigator may ask questions; an administrator may also give commands.
const (
	// RoleRespondent answers the questions that are put to them, and reads nothing else.
	RoleRespondent     = "respondent"
	RoleViewer         = "viewer"
	RoleInvestigator   = "investigator"
	RolePrivacyOfficer = "privacy_officer"
	RoleAdministrator  = "administrator"
)

// Roles are all roles, least first.
func Roles() []string {
	return []string{RoleRespondent, RoleViewer, RoleInvestigator, RolePrivacyOfficer, RoleAdministrator}
}

// Caller is who stands behind a request, as the listener established it. The zero Caller is nobody.
type Caller struct {
	// Name is "token:<id>", "oidc:<subject>", "os:<user>" or "source:<name>": it goes into the journal as the asker.
	Name string
	// Role is one of the roles, or "" for a source.
	Role string
	// Reader is who a person is among the readers of records, where the identity provider said so.
	Reader ReaderID
	// Source is the registered source that a credential belongs to; "" for people.
	Source string
	// Local is true for a user of this machine on the local socket, who may name the source that input comes from.
	Local bool
	// Limits are the sites and departments that the identity provider states for them. What holds is for the configuration to say.
	Limits Limits
	// Unlimited says that the identity provider states that they may see everything.
	Unlimited bool
	// Elevated says that they broke the glass for this question: it is answered beyond role and limits, once it is journaled.
	Elevated bool
}

type glassKey struct{}

// GlassHeader is the header by which a request carries a broken glass.
const GlassHeader = "Readtrail-Glass"

// WithGlass returns a context whose questions are asked under a broken glass; "" for none.
func WithGlass(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, glassKey{}, id)
}

// GlassFrom returns the id of the broken glass that questions are asked under, or "".
func GlassFrom(ctx context.Context) string {
	id, _ := ctx.Value(glassKey{}).(string)
	return id
}

type callerKey struct{}

// WithCaller returns a context that carries the caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller of a request, or the zero Caller.
func CallerFrom(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// MayAsk reports whether the caller may ask questions that name people.
func (c Caller) MayAsk() bool {
	return c.Elevated || c.Role == RoleInvestigator || c.Role == RolePrivacyOfficer || c.Role == RoleAdministrator
}

// MayLook reports whether the caller may ask questions at all: everybody with a role but respondents, who are asked.
func (c Caller) MayLook() bool {
	return c.Role != "" && c.Role != RoleRespondent
}

// MayReview reports whether the caller may say whether others broke the glass for good reason.
func (c Caller) MayReview() bool {
	return c.Role == RolePrivacyOfficer || c.Role == RoleAdministrator
}

// MayCommand reports whether the caller may change sources, tokens and projections.
func (c Caller) MayCommand() bool { return c.Role == RoleAdministrator }
