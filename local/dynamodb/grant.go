package dynamodb

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Grant grants a path to a viewer, by the sub of their tokens. The grant does not
// expire.
func (s *Server) Grant(ctx context.Context, table, viewer, path string) error {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"viewer": &types.AttributeValueMemberS{Value: viewer},
		"path":   &types.AttributeValueMemberS{Value: path},
	}})
	if err != nil {
		return fmt.Errorf("granting %s to %s: %w", path, viewer, err)
	}
	return nil
}
