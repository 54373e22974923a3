"""The part of the Admin API of 2026-10 that a stock connector needs, as a GraphQL schema.

Names and types are the API's own (a test compares them with its introspection); documents that ask for anything
else are refused as the API refuses an unknown field.
"""

from functools import cache

from graphql import DocumentNode, GraphQLError, GraphQLSchema, build_schema, parse, validate

_SDL = """
directive @idempotent(key: String!) on FIELD

scalar DateTime
scalar UnsignedInt64

schema { query: QueryRoot mutation: Mutation }

type QueryRoot {
  inventoryItems(after: String, first: Int, query: String): InventoryItemConnection!
}

type Mutation {
  inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload
}

type InventoryItemConnection {
  nodes: [InventoryItem!]!
  pageInfo: PageInfo!
}

type PageInfo { endCursor: String hasNextPage: Boolean! }

type InventoryItem {
  id: ID!
  legacyResourceId: UnsignedInt64!
  sku: String
  inventoryLevel(locationId: ID!): InventoryLevel
}

type InventoryLevel {
  id: ID!
  quantities(names: [String!]!): [InventoryQuantity!]!
}

type InventoryQuantity { name: String! quantity: Int! updatedAt: DateTime }

input InventorySetQuantitiesInput {
  name: String!
  quantities: [InventoryQuantityInput!]!
  reason: String!
  referenceDocumentUri: String
}

input InventoryQuantityInput {
  changeFromQuantity: Int
  inventoryItemId: ID!
  locationId: ID!
  quantity: Int!
}

type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}

type InventoryAdjustmentGroup { id: ID! reason: String! }

type InventorySetQuantitiesUserError {
  code: InventorySetQuantitiesUserErrorCode
  field: [String!]
  message: String!
}

enum InventorySetQuantitiesUserErrorCode {
  CHANGE_FROM_QUANTITY_STALE
  IDEMPOTENCY_CONCURRENT_REQUEST
  IDEMPOTENCY_KEY_PARAMETER_MISMATCH
  IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED
  INVALID_INVENTORY_ITEM
  INVALID_LOCATION
  INVALID_NAME
  INVALID_QUANTITY_NEGATIVE
  INVALID_QUANTITY_TOO_HIGH
  NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR
}
"""


@cache
def shopify_schema() -> GraphQLSchema:
    """The schema; built once."""
    return build_schema(_SDL)


@cache
def understood(source: str) -> DocumentNode | tuple[GraphQLError, ...]:
    """A document that follows the schema, or what is wrong with it."""
    try:
        document = parse(source)
    except GraphQLError as error:
        return (error,)
    return tuple(validate(shopify_schema(), document)) or document
