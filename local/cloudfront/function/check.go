package function

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// maxCode is the largest function, in bytes (CloudFront developer guide,
// "Quotas on CloudFront Functions").
const maxCode = 10 << 10

// importCloudFront is the only import statement that the runtime accepts, in the
// first line (CloudFront developer guide, "Helper methods").
var importCloudFront = regexp.MustCompile(`^\s*import\s+(\w+)\s+from\s+(?:'cloudfront'|"cloudfront")\s*;?`)

// absent are globals of newer JavaScript that the runtime does not have.
var absent = map[string]bool{
	"Map": true, "Set": true, "WeakMap": true, "WeakSet": true, "WeakRef": true, "BigInt": true, "Proxy": true, "Reflect": true,
	"URL": true, "URLSearchParams": true, "eval": true, "process": true, "fetch": true,
	"setTimeout": true, "setInterval": true, "setImmediate": true,
}

// compile checks the code against JavaScript runtime 2.0 and compiles it.
// CloudFront supports less than goja: features that it does not list are errors
// (CloudFront developer guide, "JavaScript runtime 2.0 features").
func compile(name, code string) (*goja.Program, error) {
	if len(code) > maxCode {
		return nil, fmt.Errorf("invalid size %d bytes: must be at most %d", len(code), maxCode)
	}
	code = importCloudFront.ReplaceAllString(code, "const $1 = require('cloudfront');")
	// Function code is strict, and handler is found as CloudFront finds it.
	parsed, err := parser.ParseFile(nil, name, "'use strict';"+code+"\n;handler", 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	if err := check(reflect.ValueOf(parsed), 0, false); err != nil {
		return nil, err
	}
	return goja.CompileAST(parsed, true)
}

// check walks a syntax tree. Functions is how many functions the node is in,
// and argument whether it is in an argument list of the innermost.
func check(v reflect.Value, functions int, argument bool) error {
	switch v.Kind() {
	case reflect.Interface:
		return check(v.Elem(), functions, argument)
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		if node, ok := v.Interface().(ast.Node); ok {
			if what := missing(node, functions, argument); what != "" {
				return fmt.Errorf("%s is not in JavaScript runtime 2.0 of CloudFront Functions", what)
			}
		}
		switch node := v.Interface().(type) {
		case *ast.FunctionLiteral, *ast.ArrowFunctionLiteral:
			functions, argument = functions+1, false
		case *ast.CallExpression:
			if err := check(reflect.ValueOf(&node.ArgumentList).Elem(), functions, true); err != nil {
				return err
			}
			return check(reflect.ValueOf(&node.Callee).Elem(), functions, argument)
		case *ast.PropertyKeyed:
			if !node.Computed {
				return check(reflect.ValueOf(&node.Value).Elem(), functions, argument)
			}
		case *ast.DotExpression:
			return check(reflect.ValueOf(&node.Left).Elem(), functions, argument)
		}
		return check(v.Elem(), functions, argument)
	case reflect.Struct:
		for i := range v.NumField() {
			// The declarations are listed beside the code that makes them, and a
			// program has its file.
			field := v.Type().Field(i)
			if !field.IsExported() || field.Name == "DeclarationList" || field.Name == "File" {
				continue
			}
			if err := check(v.Field(i), functions, argument); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if err := check(v.Index(i), functions, argument); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing returns the name of a feature that the runtime does not have; empty if
// the node is supported.
func missing(node ast.Node, functions int, argument bool) string {
	switch n := node.(type) {
	case *ast.ClassLiteral, *ast.ClassDeclaration:
		return "class"
	case *ast.ForOfStatement:
		return "for…of"
	case *ast.ArrayPattern, *ast.ObjectPattern:
		return "destructuring"
	case *ast.SpreadElement:
		return "spread"
	case *ast.OptionalChain, *ast.Optional:
		return "optional chaining"
	case *ast.YieldExpression:
		return "a generator"
	case *ast.FunctionLiteral:
		if n.Generator {
			return "a generator"
		}
		return defaults(n.ParameterList)
	case *ast.ArrowFunctionLiteral:
		return defaults(n.ParameterList)
	case *ast.BinaryExpression:
		if n.Operator == token.COALESCE {
			return "??"
		}
	case *ast.AssignExpression:
		switch n.Operator {
		case token.COALESCE, token.LOGICAL_AND, token.LOGICAL_OR:
			return "logical assignment"
		}
	case *ast.AwaitExpression:
		switch {
		case argument:
			return "await in arguments"
		case functions > 1:
			return "await in a closure"
		}
	case *ast.Identifier:
		if absent[n.Name.String()] {
			return n.Name.String()
		}
	case *ast.NewExpression:
		if callee, ok := n.Callee.(*ast.Identifier); ok && callee.Name == "Function" {
			return "new Function"
		}
	case *ast.TemplateLiteral:
		if n.Tag != nil {
			return "a tagged template"
		}
	}
	return ""
}

func defaults(list *ast.ParameterList) string {
	if list == nil {
		return ""
	}
	for _, p := range list.List {
		if p.Initializer != nil {
			return "a default parameter"
		}
	}
	return ""
}

// forbidden reports whether a header must not be added by a function
// (CloudFront developer guide, "Restrictions on all edge functions").
func forbidden(header string) bool {
	switch header {
	case "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer", "upgrade",
		"x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth", "x-amzn-cf-billing",
		"x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile", "x-amzn-header-count", "x-amzn-header-order",
		"x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache", "x-forwarded-proto", "x-real-ip":
		return true
	}
	return strings.HasPrefix(header, "x-amz-cf-") || strings.HasPrefix(header, "x-edge-")
}

// readOnly are headers that a function sees and must not change or delete.
var readOnly = map[string][]string{
	ViewerRequest:  {"content-length", "host", "transfer-encoding", "via"},
	ViewerResponse: {"warning", "via"},
}
