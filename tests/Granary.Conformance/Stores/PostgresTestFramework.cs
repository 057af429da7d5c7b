using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Granary.Conformance.Stores;

/// <summary>
/// For test projects of which every test needs PostgreSQL: where there is none, each is skipped and says why. In the
/// project: <c>[assembly: TestFramework("Granary.Conformance.Stores.PostgresTestFramework",
/// "Granary.Conformance")]</c>.
/// </summary>
public sealed class PostgresTestFramework(IMessageSink messages) : XunitTestFramework(messages)
{
    /// <inheritdoc/>
    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName) =>
        new Executor(assemblyName, SourceInformationProvider, DiagnosticMessageSink);

    private sealed class Executor(
        AssemblyName assembly, ISourceInformationProvider sources, IMessageSink messages)
        : XunitTestFrameworkExecutor(assembly, sources, messages)
    {
        protected override void RunTestCases(
            IEnumerable<IXunitTestCase> testCases, IMessageSink executionMessageSink,
            ITestFrameworkExecutionOptions executionOptions) => base.RunTestCases(
                PostgresServer.Missing is null ? testCases : testCases.Select(test => new Skipped(test)),
                executionMessageSink, executionOptions);
    }

    private sealed class Skipped : XunitTestCase
    {
        [Obsolete("For tests that are sent to another process, as these are not.", error: true)]
        public Skipped()
        {
        }

        public Skipped(IXunitTestCase test)
            : base(new NullMessageSink(), TestMethodDisplay.ClassAndMethod, TestMethodDisplayOptions.None,
                test.TestMethod, test.TestMethodArguments)
        {
        }

        protected override string GetSkipReason(IAttributeInfo factAttribute) => PostgresServer.Missing!;
    }
}
