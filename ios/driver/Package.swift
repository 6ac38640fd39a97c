// swift-tools-version:6.0
import PackageDescription

// The driver of the QA runner (docs/qa.md) and the bench (docs/benchmarks.md). A package of its own, so that apps that take
// Curo never build it; one for both, because SwiftPM compiles Curo anew for each package that takes it.
let package = Package(
    name: "CuroDriver",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "curo-driver-swift", targets: ["Driver"]),
        .executable(name: "curo-bench-swift", targets: ["Bench"]),
    ],
    dependencies: [
        .package(name: "Curo", path: "..")
    ],
    targets: [
        .executableTarget(name: "Driver", dependencies: [.product(name: "Curo", package: "Curo")]),
        .executableTarget(name: "Bench", dependencies: [.product(name: "Curo", package: "Curo")]),
    ],
    swiftLanguageModes: [.v6]
)
