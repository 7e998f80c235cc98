package function

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand"
	"net/url"
	"strings"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja_nodejs/buffer"
	"github.com/dop251/goja_nodejs/require"
)

// prepare gives a runtime the globals and modules of CloudFront Functions. Time
// stands still while a function runs.
func (p *Program) prepare(vm *goja.Runtime, log *[]string) error {
	started := time.Now()
	vm.SetTimeSource(func() time.Time { return started })
	random := rand.New(rand.NewSource(started.UnixNano()))
	vm.SetRandSource(random.Float64)
	registry := require.NewRegistry(require.WithLoader(func(path string) ([]byte, error) {
		return nil, require.ModuleFileDoesNotExistError
	}))
	registry.RegisterNativeModule("crypto", cryptoModule)
	registry.RegisterNativeModule("querystring", queryModule)
	registry.RegisterNativeModule("cloudfront", cloudfrontModule)
	registry.Enable(vm)
	buffer.Enable(vm)
	if _, err := vm.RunString(base64url); err != nil {
		return err
	}
	for name := range absent {
		_ = vm.GlobalObject().Delete(name) // ignore missing globals
	}
	console := vm.NewObject()
	if err := console.Set("log", func(call goja.FunctionCall) goja.Value {
		*log = append(*log, call.Argument(0).String()) // the runtime logs one argument only
		return goja.Undefined()
	}); err != nil {
		return err
	}
	return vm.Set("console", console)
}

// base64url adds the encoding base64url to Buffer: the library knows it under
// another spelling, and decodes it with padding only.
const base64url = `(function () {
  var from = Buffer.from, toString = Buffer.prototype.toString;
  Buffer.from = function (value, encoding) {
    if (encoding !== 'base64url') { return from.apply(Buffer, arguments); }
    value = value.replace(/-/g, '+').replace(/_/g, '/');
    while (value.length % 4) { value += '='; }
    return from.call(Buffer, value, 'base64');
  };
  Buffer.prototype.toString = function (encoding) {
    return encoding === 'base64url' ? toString.call(this, 'base64Url') : toString.apply(this, arguments);
  };
})()`

// cloudfrontModule has the helpers of the module cloudfront. None is supported
// on this machine: no template of the project uses one.
func cloudfrontModule(vm *goja.Runtime, module *goja.Object) {
	exports := module.Get("exports").ToObject(vm)
	for _, name := range []string{"kvs", "updateRequestOrigin", "selectRequestOriginById", "createRequestOriginGroup"} {
		_ = exports.Set(name, func(goja.FunctionCall) goja.Value {
			panic(vm.NewGoError(fmt.Errorf("cf.%s is not supported by the local run", name)))
		})
	}
}

var hashes = map[string]func() hash.Hash{"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New}

// cryptoModule is the module crypto: hashes and HMACs.
func cryptoModule(vm *goja.Runtime, module *goja.Object) {
	exports := module.Get("exports").ToObject(vm)
	digester := func(h hash.Hash) goja.Value {
		object := vm.NewObject()
		_ = object.Set("update", func(call goja.FunctionCall) goja.Value {
			h.Write(bytesOf(vm, call.Argument(0)))
			return object
		})
		_ = object.Set("digest", func(call goja.FunctionCall) goja.Value {
			sum := h.Sum(nil)
			switch encoding := call.Argument(0); {
			case goja.IsUndefined(encoding):
				return buffer.WrapBytes(vm, sum)
			case encoding.String() == "hex":
				return vm.ToValue(hex.EncodeToString(sum))
			case encoding.String() == "base64":
				return vm.ToValue(base64.StdEncoding.EncodeToString(sum))
			case encoding.String() == "base64url":
				return vm.ToValue(base64.RawURLEncoding.EncodeToString(sum))
			default:
				panic(vm.NewTypeError("unknown digest encoding %q", encoding.String()))
			}
		})
		return object
	}
	find := func(name goja.Value) func() hash.Hash {
		h := hashes[name.String()]
		if h == nil {
			panic(vm.NewTypeError("unknown hash algorithm %q: must be md5, sha1 or sha256", name.String()))
		}
		return h
	}
	_ = exports.Set("createHash", func(call goja.FunctionCall) goja.Value { return digester(find(call.Argument(0))()) })
	_ = exports.Set("createHmac", func(call goja.FunctionCall) goja.Value {
		return digester(hmac.New(find(call.Argument(0)), bytesOf(vm, call.Argument(1))))
	})
}

// bytesOf returns the bytes of a string or Buffer.
func bytesOf(vm *goja.Runtime, v goja.Value) []byte {
	if text, ok := v.Export().(string); ok {
		return []byte(text)
	}
	return buffer.Bytes(vm, v)
}

// queryModule is the module querystring.
func queryModule(vm *goja.Runtime, module *goja.Object) {
	exports := module.Get("exports").ToObject(vm)
	unescape := func(text string) string {
		plain, err := url.PathUnescape(strings.ReplaceAll(text, "+", " "))
		if err != nil {
			return text
		}
		return plain
	}
	escape := func(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
	_ = exports.Set("escape", escape)
	_ = exports.Set("unescape", unescape)
	_ = exports.Set("parse", func(text string) goja.Value {
		object := vm.NewObject()
		for part := range strings.SplitSeq(text, "&") {
			name, value, _ := strings.Cut(part, "=")
			if part == "" {
				continue
			}
			name, value = unescape(name), unescape(value)
			switch have := object.Get(name); have := have.(type) {
			case nil:
				_ = object.Set(name, value)
			case *goja.Object:
				list := have.Export().([]any)
				_ = object.Set(name, vm.NewArray(append(list, value)...))
			default:
				_ = object.Set(name, vm.NewArray(have, value))
			}
		}
		return object
	})
	_ = exports.Set("stringify", func(call goja.FunctionCall) goja.Value {
		object := call.Argument(0).ToObject(vm)
		var parts []string
		for _, name := range object.Keys() {
			values := []any{object.Get(name).Export()}
			if list, ok := values[0].([]any); ok {
				values = list
			}
			for _, v := range values {
				parts = append(parts, escape(name)+"="+escape(fmt.Sprint(v)))
			}
		}
		return vm.ToValue(strings.Join(parts, "&"))
	})
}
