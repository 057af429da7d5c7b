WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
builder.UseOrleans(silo => silo.UseLocalhostClustering());
builder.Build().Run();
