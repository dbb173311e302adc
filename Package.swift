// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is compiled with the same strictness; arrows between targets go down only
/// (see "The house" in CONTRIBUTING.md).
var strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
// A warning is an error where changes are judged, and a warning where they are made.
if Context.environment["CI"] != nil { strict.append(.treatAllWarnings(as: .error)) }

let package = Package(
  name: "foretoken",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "foretoken", targets: ["foretoken"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd",
      providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl",
      providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
    .target(name: "CKernels"),
    .target(name: "Endpoint", dependencies: ["CCurl"], swiftSettings: strict),
    .target(name: "Decoding", dependencies: ["CKernels", "Learning"], swiftSettings: strict),
    .target(name: "Learning", swiftSettings: strict),
    .target(name: "Workload", dependencies: ["Learning"], swiftSettings: strict),
    .target(
      name: "Transformer", dependencies: ["Decoding", "Learning", "CKernels", "CZstd"],
      swiftSettings: strict),
    .target(name: "Reporting", swiftSettings: strict),
    .target(
      name: "Serving", dependencies: ["Decoding", "Endpoint", "Workload"], swiftSettings: strict),
    .executableTarget(
      name: "foretoken",
      dependencies: [
        "CZlib", "CZstd", "Decoding", "Endpoint", "Learning", "Reporting", "Serving",
        "Transformer", "Workload",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "foretoken-bench",
      dependencies: [
        "CKernels", "Decoding", "Learning", "Support", "Transformer", "Workload",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tools/bench", swiftSettings: strict),

    .target(
      name: "Support", dependencies: ["Decoding"], path: "Tests/Support", swiftSettings: strict),
    .testTarget(name: "KernelTests", dependencies: ["CKernels", "Support"], swiftSettings: strict),
    .testTarget(
      name: "DecodingTests", dependencies: ["Decoding", "Learning", "Support"],
      swiftSettings: strict),
    .testTarget(
      name: "WorkloadTests", dependencies: ["Learning", "Workload", "Support"],
      swiftSettings: strict),
    .testTarget(
      name: "ServingTests",
      dependencies: ["Decoding", "Endpoint", "Serving", "Support", "Workload"],
      swiftSettings: strict),
    .testTarget(
      name: "LearningTests", dependencies: ["Learning", "Support"], swiftSettings: strict),
    .testTarget(
      name: "TransformerTests",
      dependencies: ["CKernels", "CZstd", "Decoding", "Transformer", "Support"],
      swiftSettings: strict),
    .testTarget(
      name: "EndpointTests", dependencies: ["Endpoint", "Support"], swiftSettings: strict),
    .testTarget(name: "ReportingTests", dependencies: ["Reporting"], swiftSettings: strict),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "CZlib", "Decoding", "foretoken", "Reporting", "Support", "Transformer", "Workload",
      ],
      swiftSettings: strict),
  ]
)
