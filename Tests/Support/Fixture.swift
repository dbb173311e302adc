/// Files under Tests/Fixtures.
package enum Fixture {
  /// The path of a fixture, whatever folder the tests run in.
  package static func path(_ name: String, from file: String = #filePath) -> String {
    let support = file.split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return support.dropLast().joined(separator: "/") + "/Fixtures/" + name
  }
}
