package house

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"sort"
	"testing"
)

// Limits of the yardstick: a larger thing is split by what it does.
const (
	maxFile       = 500
	maxFunc       = 80
	maxStatements = 30
	maxParams     = 5
	maxFields     = 12
	maxMethods    = 12
	maxInterface  = 4
)

// exempt lists what may exceed one limit, each with its reason.
func exempt() map[string]string {
	return map[string]string{
		"internal/diagnose/acceptance_test.go":      "a table of cases",
		"internal/diagnose/acceptance_body_test.go": "a table of cases",
		"internal/diagnose/wordings_test.go":        "a table of cases",
		"internal/call.document":                    "the JSON form of the contract: one member per member",
		"internal/call.request":                     "the JSON form of the contract: one member per member",
		"internal/call.response":                    "the JSON form of the contract: one member per member",
		"internal/call.stream":                      "the JSON form of the contract: one member per member",
	}
}

// TestSizes fails where a file, function, type or interface outgrew its limit.
func TestSizes(t *testing.T) {
	methods := map[string]int{}
	for _, s := range tree(t) {
		if s.lines > maxFile && exempt()[s.path] == "" {
			t.Errorf("%s has %d lines, at most %d", s.path, s.lines, maxFile)
		}
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				s.function(t, d, methods)
			case *ast.GenDecl:
				s.types(t, d)
			}
		}
	}
	for name, n := range methods {
		if n > maxMethods {
			t.Errorf("%s has %d methods, at most %d", name, n, maxMethods)
		}
	}
}

func (s source) function(t *testing.T, d *ast.FuncDecl, methods map[string]int) {
	t.Helper()
	name := s.dir + "." + d.Name.Name
	if d.Recv != nil {
		methods[s.dir+"."+receiver(d)]++
	} else if d.Name.Name == "init" {
		t.Errorf("%s has an init function: make it explicit", s.path)
	}
	if d.Body == nil {
		return
	}
	lines := s.fset.Position(d.End()).Line - s.fset.Position(d.Pos()).Line + 1
	if lines > maxFunc {
		t.Errorf("%s is %d lines long, at most %d", name, lines, maxFunc)
	}
	if n := statements(d.Body); n > maxStatements {
		t.Errorf("%s (%s) has %d statements, at most %d", name, s.path, n, maxStatements)
	}
	if n := d.Type.Params.NumFields(); n > maxParams {
		t.Errorf("%s (%s) has %d parameters, at most %d", name, s.path, n, maxParams)
	}
}

func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	if ix, ok := e.(*ast.IndexExpr); ok {
		e = ix.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return "?"
}

// statements counts the statements of a body, those of literals inside apart.
func statements(b *ast.BlockStmt) int {
	n := 0
	ast.Inspect(b, func(x ast.Node) bool {
		switch x.(type) {
		case *ast.FuncLit:
			return false
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause, nil:
		case ast.Stmt:
			n++
		}
		return true
	})
	return n
}

func (s source) types(t *testing.T, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		name := s.dir + "." + ts.Name.Name
		switch x := ts.Type.(type) {
		case *ast.StructType:
			if n := x.Fields.NumFields(); n > maxFields && exempt()[name] == "" {
				t.Errorf("%s has %d fields, at most %d", name, n, maxFields)
			}
		case *ast.InterfaceType:
			if n := x.Methods.NumFields(); n > maxInterface {
				t.Errorf("%s has %d methods, at most %d", name, n, maxInterface)
			}
		}
	}
}

// TestDocumented fails on an exported identifier or a package without a doc
// comment that starts with its name.
func TestDocumented(t *testing.T) {
	packages := map[string]bool{}
	for _, s := range tree(t) {
		if s.test {
			continue
		}
		packages[s.dir] = packages[s.dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no doc comment", s.path, name)
			}
		}
	}
	for dir, ok := range packages {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}

func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || ast.IsExported(receiver(d))) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var out []string
		for _, spec := range d.Specs {
			switch sp := spec.(type) {
			case *ast.TypeSpec:
				if sp.Name.IsExported() && sp.Doc == nil && d.Doc == nil {
					out = append(out, sp.Name.Name)
				}
			case *ast.ValueSpec:
				if sp.Names[0].IsExported() && sp.Doc == nil && sp.Comment == nil && d.Doc == nil {
					out = append(out, sp.Names[0].Name)
				}
			}
		}
		return out
	}
	return nil
}

// TestNoSleepsInTests: tests wait for signals, not for time.
func TestNoSleepsInTests(t *testing.T) {
	for _, s := range tree(t) {
		if !s.test || slices.Contains(s.imports(), "testing/synctest") { // virtual time sleeps in no time
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "time" {
					t.Errorf("%s sleeps: wait for a signal", s.fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestFolderNames: a folder is named by what it provides.
func TestFolderNames(t *testing.T) {
	vague := []string{"pkg", "util", "utils", "common", "helper", "helpers", "base", "types", "misc"}
	for _, s := range tree(t) {
		if slices.Contains(vague, path.Base(s.dir)) {
			t.Errorf("%s: %s says nothing about what is in it", s.path, path.Base(s.dir))
		}
	}
}

// TestYardstick prints the measures beside their aims; TestSizes holds the limits.
func TestYardstick(t *testing.T) {
	var files, funcs []int
	code, tests := map[string]int{}, map[string]int{}
	for _, s := range tree(t) {
		if s.test {
			tests[s.dir] += s.code
			continue
		}
		code[s.dir] += s.code
		files = append(files, s.lines)
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				funcs = append(funcs, s.fset.Position(f.End()).Line-s.fset.Position(f.Pos()).Line+1)
			}
		}
	}
	t.Logf("files: median %d (aim ≤ 120), p90 %d (aim ≤ 280), max %d", at(files, 50), at(files, 90), at(files, 100))
	t.Logf("functions: median %d (aim 7-12), p90 %d (aim ≤ 35), max %d", at(funcs, 50), at(funcs, 90), at(funcs, 100))
	var dirs []string
	for d := range code {
		dirs = append(dirs, d)
	}
	sort.Strings(dirs)
	var total, totalTests int
	for _, d := range dirs {
		total += code[d]
		totalTests += tests[d]
		t.Logf("%-22s %5d lines of code, %5d of tests (%s)", d, code[d], tests[d], ratio(tests[d], code[d]))
	}
	t.Logf("%-22s %5d lines of code, %5d of tests (%s; aim ≥ 1.2)", "all", total, totalTests, ratio(totalTests, total))
	if totalTests < total {
		t.Errorf("fewer lines of tests (%d) than of code (%d)", totalTests, total)
	}
}

func at(v []int, percent int) int {
	slices.Sort(v)
	return v[min(len(v)-1, len(v)*percent/100)]
}

func ratio(a, b int) string { return fmt.Sprintf("%.2f", float64(a)/float64(max(b, 1))) }
