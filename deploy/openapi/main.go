// Command openapi is the plugin of buf that describes the services of proto/ for clients that speak JSON: proto/openapi/openapi.json.
package main

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	protogen.Options{}.Run(func(p *protogen.Plugin) error {
		p.SupportedFeatures = uint64(pluginpb.CodeGeneratorResponse_FEATURE_PROTO3_OPTIONAL)
		text, err := json.MarshalIndent(describe(p.Files), "", " ")
		if err != nil {
			return fmt.Errorf("write description: %w", err)
		}
		_, err = p.NewGeneratedFile("openapi.json", "").Write(append(text, '\n'))
		return err //nolint:wrapcheck // says what failed
	})
}
