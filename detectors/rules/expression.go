package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"

	"github.com/readtrail/readtrail/detectors"
)

// Bounds of an expression. What it costs is bounded when the file is read, by an estimate of the worst where texts are of usual length. An expression that
// could cost too much with the longest texts is also watched while it runs; the others need no watch, which takes as long as they do. A text that is
// longer still is not looked at, because a limit is noticed only after the call that exceeds it.
const (
	// costLimit is how much one evaluation may cost, in CEL's units; one is about 20 ns, so the worst rule takes 20 us an access.
	costLimit     = 1_000
	maxExpression = 2_000 // characters
	maxNodes      = 300
	maxNesting    = 40
	maxRegex      = 200 // instructions
	maxLoops      = 2   // loops within each other
	// usualText is how long a text is, maxText how long it may be, in bytes: names, codes and addresses are shorter.
	usualText = 64
	maxText   = 4_096
)

// language checks and compiles expressions.
type language struct {
	env    *cel.Env
	groups []group
	// fields by variable and name; those without a variable by "".
	fields map[string]map[string]*field
}

// functions are those of CEL that can be used. Those that would make a type unknown until it runs (dyn, type), that read a clock face in another zone
// than the site's (getHours...) and that nothing needs (bytes, doubles) are left out.
var functions = []string{
	operators.Conditional, operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.NotStrictlyFalse,
	operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
	operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo, operators.Negate,
	operators.In, operators.Index, overloads.Size, overloads.Contains, overloads.StartsWith, overloads.EndsWith, overloads.Matches,
	overloads.TypeConvertDuration, overloads.TypeConvertTimestamp, overloads.TypeConvertInt, overloads.TypeConvertString,
}

// theLanguage is made once: it takes longer than to read a file, and nothing in it changes.
var theLanguage = sync.OnceValues(newLanguage)

func newLanguage() (*language, error) {
	l := &language{groups: vocabulary(), fields: map[string]map[string]*field{}}
	library := env.NewLibrarySubset().AddIncludedMacros(operators.All, operators.Exists, operators.Filter)
	for _, name := range functions {
		library.AddIncludedFunctions(&env.Function{Name: name})
	}
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(library)), cel.CustomTypeProvider(newProvider(l.groups)), cel.CustomTypeAdapter(types.DefaultTypeAdapter),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxNesting), cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateRegexProgramSizeLimit(maxRegex), cel.ValidateDurationLiterals(),
			cel.ValidateTimestampLiterals(), cel.ValidateHomogeneousAggregateLiterals(), cel.ValidateComprehensionNestingLimit(maxLoops)),
	}
	for i := range l.groups {
		options = append(options, l.group(&l.groups[i])...)
	}
	var err error
	if l.env, err = cel.NewCustomEnv(options...); err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	return l, nil
}

// group takes in the fields of a group, and says what CEL has to know of it.
func (l *language) group(g *group) (options []cel.EnvOption) {
	l.fields[g.name] = map[string]*field{}
	for k := range g.fields {
		f := &g.fields[k]
		l.fields[g.name][f.name] = f
		if g.name == "" {
			options = append(options, cel.VariableWithDoc(f.name, f.typ, f.about))
		}
	}
	if g.name != "" {
		options = append(options, cel.VariableWithDoc(g.name, groupType(g.name), g.about))
	}
	return options
}

// with is the language with one more group.
func (l *language) with(g group) (*language, error) {
	out := &language{groups: append(slices.Clip(l.groups), g), fields: maps.Clone(l.fields)}
	options := append(out.group(&out.groups[len(out.groups)-1]), cel.CustomTypeProvider(newProvider(out.groups)))
	var err error
	if out.env, err = l.env.Extend(options...); err != nil {
		return nil, fmt.Errorf("prepare CEL: %w", err)
	}
	return out, nil
}

// expression is a condition that was checked.
type expression struct {
	program cel.Program
	needs   detectors.Needs
	verdict bool
	// cost is what an evaluation costs at the most, where texts are of usual length.
	cost uint64
	// watched: the cost grows with texts, so it is counted while it runs.
	watched bool
	// asked are the fields that it asks for.
	asked []*field
	l     *language
}

// asks reports whether it asks for a field.
func (e *expression) asks(of, name string) bool {
	return slices.Contains(e.asked, e.l.fields[of][name])
}

// compile checks an expression; every fault has a line and a column of it.
func (l *language) compile(text string) (*expression, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("want an expression that says which accesses count")
	}
	checked, issues := l.env.Compile(text)
	if err := issuesOf(issues); err != nil {
		return nil, err
	}
	if t := checked.OutputType(); !t.IsExactType(types.BoolType) {
		return nil, fmt.Errorf("it is of type %s; want one that is true or false", t)
	}
	e := &expression{l: l}
	if err := l.inspect(checked.NativeRep(), e); err != nil {
		return nil, err
	}
	estimate, err := l.env.EstimateCost(checked, sizes{usualText})
	if err != nil {
		return nil, fmt.Errorf("estimate its cost: %w", err)
	}
	worst, err := l.env.EstimateCost(checked, sizes{maxText})
	if err != nil {
		return nil, fmt.Errorf("estimate its cost: %w", err)
	}
	if e.cost = estimate.Max; e.cost > costLimit {
		return nil, fmt.Errorf("it could cost %d for one access; want at most %d: fewer loops, shorter patterns", e.cost, costLimit)
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if e.watched = worst.Max > costLimit; e.watched {
		options = append(options, cel.CostLimit(costLimit))
	}
	e.program, err = l.env.Program(checked, options...)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return e, nil
}

// issuesOf are CEL's faults by line and column.
func issuesOf(issues *cel.Issues) error {
	if issues.Err() == nil {
		return nil
	}
	var out []error
	for _, e := range issues.Errors() {
		message := strings.ReplaceAll(e.Message, " (in container '')", "")
		out = append(out, positioned(e.Location.Line(), e.Location.Column(), message))
	}
	return errors.Join(out...)
}

// positioned is a fault at a line and a column of an expression; columns are counted from 1 for people.
func positioned(line, column int, message string) error {
	if line < 1 {
		return errors.New(message)
	}
	return fmt.Errorf("line %d, column %d: %s", line, column+1, message)
}

// inspect finds what a checked expression asks for, and words that a field never has.
func (l *language) inspect(a *ast.AST, e *expression) error {
	var faults []error
	fault := func(at ast.Expr, format string, args ...any) {
		start := a.SourceInfo().GetStartLocation(at.ID())
		faults = append(faults, positioned(start.Line(), start.Column(), fmt.Sprintf(format, args...)))
	}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if f := l.fieldOf(x); f != nil {
			e.needs |= f.needs
			e.verdict = e.verdict || f.verdict
			e.asked = append(e.asked, f)
		}
		if x.Kind() != ast.CallKind {
			return
		}
		call := x.AsCall()
		args := call.Args()
		switch call.FunctionName() {
		case operators.Equals, operators.NotEquals, operators.In:
			l.wordsOf(args[0], args[1], fault)
			l.wordsOf(args[1], args[0], fault)
		case overloads.Matches:
			if pattern := args[len(args)-1]; pattern.Kind() != ast.LiteralKind {
				fault(pattern, "want a pattern that is written down: it is compiled once")
			}
		}
	}))
	return errors.Join(faults...)
}

// fieldOf is the field that an expression is; nil when it is none.
func (l *language) fieldOf(x ast.Expr) *field {
	switch x.Kind() {
	case ast.IdentKind:
		return l.fields[""][x.AsIdent()]
	case ast.SelectKind:
		if of := x.AsSelect().Operand(); of.Kind() == ast.IdentKind {
			return l.fields[of.AsIdent()][x.AsSelect().FieldName()]
		}
	}
	return nil
}

// wordsOf reports the words that a field is compared with and never has.
func (l *language) wordsOf(of, with ast.Expr, fault func(ast.Expr, string, ...any)) {
	f := l.fieldOf(of)
	if f == nil || f.values == nil {
		return
	}
	all := []ast.Expr{with}
	if with.Kind() == ast.ListKind {
		all = with.AsList().Elements()
	}
	for _, x := range all {
		if x.Kind() != ast.LiteralKind {
			continue
		}
		if w, ok := x.AsLiteral().Value().(string); ok && !slices.Contains(f.values, w) {
			fault(x, "%s is never %q; it is one of %s", f.name, w, strings.Join(f.values, ", "))
		}
	}
}

// sizes says how long texts and lists are, for an estimate of the cost.
type sizes struct{ text uint64 }

// EstimateSize is the most elements of a list, and the length of a text. Words of a list are ours, and short.
func (s sizes) EstimateSize(element checker.AstNode) *checker.SizeEstimate {
	switch path := element.Path(); {
	case element.Type().Kind() == types.ListKind:
		return &checker.SizeEstimate{Max: uint64(len(detectors.Reasons()))}
	case element.Type().Kind() != types.StringKind:
		return nil
	case len(path) > 0 && path[len(path)-1] == "@items":
		return &checker.SizeEstimate{Max: usualText}
	}
	return &checker.SizeEstimate{Max: s.text}
}

// EstimateCallCost leaves it to CEL.
func (sizes) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
