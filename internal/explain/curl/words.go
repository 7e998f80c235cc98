package curl

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// words splits a command line as bash does, and returns the words of its first
// command. It runs nothing: a word that needs a variable or the output of a
// command is an error.
func words(line string) ([]string, error) {
	line = strings.ReplaceAll(line, "\r\n", "\n")
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil {
		var invalid syntax.ParseError
		if errors.As(err, &invalid) {
			return nil, fmt.Errorf("column %d: %s", invalid.Pos.Col(), invalid.Text)
		}
		return nil, err
	}
	if len(file.Stmts) == 0 {
		return nil, nil
	}
	return expand.Fields(&expand.Config{Env: expand.FuncEnviron(variable), NoUnset: true}, firstCommand(file.Stmts[0].Cmd)...)
}

// firstCommand returns the words of the first command of a pipe or list.
func firstCommand(command syntax.Command) []*syntax.Word {
	for {
		switch c := command.(type) {
		case *syntax.CallExpr:
			return c.Args
		case *syntax.BinaryCmd:
			command = c.X.Cmd
		default:
			return nil
		}
	}
}

// variable is the value of a variable: only that of ~ is known.
func variable(name string) string {
	if name == "HOME" {
		home, _ := os.UserHomeDir() // an empty one is unknown
		return home
	}
	return ""
}
